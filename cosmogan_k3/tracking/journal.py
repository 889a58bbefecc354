"""What a run records, on disk before it is sent, so that no server can lose it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosmogan_k3._typing import PathLike
from cosmogan_k3.maps.io.atomic import replacing

RECORDS, SENT = "records.jsonl", "sent.json"

Record = dict[str, Any]


class Journal:
    """Records of one run in a folder, one JSON line each, and how many of them have been sent.

    Lines are only ever added. A line that a killed process left half-written is removed.

    Parameters
    ----------
    folder : str or Path or None
        Created with the first record. None keeps the records in memory.

    Attributes
    ----------
    records : list of dict
    sent : int
        Number of records, from the first on, that the store has.
    run_id : str
        Of the run in the store; empty as long as there is none.

    Examples
    --------
    >>> journal = Journal(None)
    >>> journal.append({"kind": "tags", "tags": {"training": "complete"}})
    >>> [record["kind"] for record in journal.pending()]
    ['tags']
    """

    def __init__(self, folder: PathLike | None) -> None:
        self.folder = None if folder is None else Path(folder)
        self.records: list[Record] = []
        self.sent = 0
        self.run_id = ""
        if self.folder and (self.folder / RECORDS).exists():
            self._read(self.folder)

    def _read(self, folder: Path) -> None:
        whole, newline, _ = (folder / RECORDS).read_bytes().rpartition(b"\n")
        os.truncate(folder / RECORDS, len(whole + newline))
        self.records = [json.loads(line) for line in whole.splitlines()]
        if (folder / SENT).exists():
            state = json.loads((folder / SENT).read_text())
            self.sent, self.run_id = state["records"], state["run_id"]

    def append(self, record: Record) -> None:
        """Add a record, on the disk if there is a folder.

        Parameters
        ----------
        record : dict
            Plain values.
        """
        self.records.append(record)
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / RECORDS).open("a") as file:
                file.write(json.dumps(record) + "\n")
                file.flush()
                os.fsync(file.fileno())

    def pending(self) -> Iterator[Record]:
        """Yield the records that have not been sent, in order; ``acknowledge`` each."""
        position = self.sent
        while position < len(self.records):  # others are added meanwhile
            yield self.records[position]
            position += 1

    def acknowledge(self, run_id: str) -> None:
        """Note that the first pending record has been sent.

        Parameters
        ----------
        run_id : str
            Of the run in the store.
        """
        self.sent += 1
        self.run_id = run_id
        if self.folder:
            with replacing(self.folder / SENT) as partial:
                partial.write_text(json.dumps({"records": self.sent, "run_id": run_id}) + "\n")

    def clear(self) -> None:
        """Remove all records: a new run begins in the folder."""
        self.records, self.sent, self.run_id = [], 0, ""
        if self.folder:
            for name in (SENT, RECORDS):
                (self.folder / name).unlink(missing_ok=True)


def journals(folder: PathLike) -> list[Journal]:
    """Return the journals in a folder and below it.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    list of Journal
    """
    return [Journal(path.parent) for path in sorted(Path(folder).rglob(RECORDS))]
