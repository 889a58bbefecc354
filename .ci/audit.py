"""Ask the advisory service of pip-audit about the pinned packages; exit with 1 if one is known bad.

Without an answer nothing is audited, and the last line says so.
"""

import json
import subprocess
import sys

COMMAND = [
    *(sys.executable, "-m", "pip_audit", "--requirement", "constraints.txt"),
    *("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"),
]


def main() -> int:
    """Print the known vulnerabilities, and how many packages were audited."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"audit: skipped, no advisory service answers ({done.stderr.strip()[-200:]})")
        return 0
    audited = [package for package in packages if "vulns" in package]
    if not audited:
        print("audit: skipped, the advisory service knows none of the packages")
        return 0
    found = [(package, advisory) for package in audited for advisory in package["vulns"]]
    for package, advisory in found:
        fixed = ", ".join(advisory["fix_versions"]) or "no version"
        print(f"{package['name']} {package['version']}: {advisory['id']}, mended in {fixed}")
    print(f"audit: {len(found)} advisories, {len(audited)} of {len(packages)} packages audited")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
