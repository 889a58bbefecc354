"""As much of MLflow's REST interface as a run needs, in this process, to be stopped at any time."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class Runs:
    """What the server holds: survives its stops, like a database.

    Attributes
    ----------
    runs : dict
        From identifiers to what was logged.
    log : list
        What was asked, in order.
    answering : bool
        False: it accepts connections and answers with errors, as a proxy without its server does.
    """

    def __init__(self, artifacts):
        self.artifacts = artifacts
        self.runs, self.log, self.answering = {}, [], True

    def answer(self, what, given):
        self.log.append(what)
        if what.startswith("experiments/get"):
            return {"experiment": {"experiment_id": "1", "name": given.get("experiment_name")}}
        if what == "experiments/set-experiment-tag":
            self.kind = given["value"]
            return {}
        if what == "runs/search":
            tag = given["filter"].split("'")[1]
            found = [run for run in self.runs.values() if tag in run["tags"].values()]
            return {"runs": [self.shown(run) for run in found]}
        if what == "runs/create":
            tags = {tag["key"]: tag["value"] for tag in given["tags"]}
            run = {"params": {}, "metrics": [], "tags": tags, "status": "RUNNING", "inputs": []}
            run["run_id"] = f"{len(self.runs):032x}"
            self.runs[run["run_id"]] = run
            return {"run": self.shown(run)}
        run = self.runs[given["run_id"]]
        if what == "runs/log-batch":
            run["params"] |= {each["key"]: each["value"] for each in given.get("params", ())}
            run["tags"] |= {each["key"]: each["value"] for each in given.get("tags", ())}
            metrics = given.get("metrics", ())
            run["metrics"] += [(each["key"], each["step"], each["value"]) for each in metrics]
        if what == "runs/log-inputs":
            run["inputs"] += [each["dataset"]["name"] for each in given["datasets"]]
        if what == "runs/update":
            run["status"] = given.get("status", run["status"])
        return {"run": self.shown(run), "run_info": self.shown(run)["info"]}

    def shown(self, run):
        info = {"run_id": run["run_id"], "run_uuid": run["run_id"], "experiment_id": "1"}
        info |= {"status": run["status"], "lifecycle_stage": "active"}
        info |= {"artifact_uri": str(self.artifacts)}
        params = [{"key": key, "value": value} for key, value in run["params"].items()]
        return {"info": info, "data": {"params": params}}


@contextlib.contextmanager
def serving(runs, port=0):
    """Run the server; yield its port."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self):
            size = int(self.headers.get("Content-Length") or 0)
            address = urlsplit(self.path)
            given = dict(parse_qsl(address.query)) | json.loads(self.rfile.read(size) or b"{}")
            what = address.path.removeprefix("/api/2.0/mlflow/")
            code, answer = 503, {}
            if runs.answering:
                code, answer = 200, runs.answer(what, given)
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = respond  # noqa: N815  # the names that http.server calls

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
