"""Starts MLServer with the formulas on loopback. Usage: mlserver_server.py PORT OTHER_PORT FOLDER.

OTHER_PORT is for its gRPC, which it cannot do without; FOLDER gets the models' settings.
"""

import json
import os
import sys
from pathlib import Path

from formulas import MODELS

port, other, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
here = str(Path(__file__).parent)


def settings(name, inputs, outputs, version):
    parameters = {"version": version} if version else {}
    runtime = "mlserver_runtime.Formula"
    return {"name": name, "implementation": runtime, "inputs": inputs, "outputs": outputs, "parameters": parameters}


models = [settings(name, inputs, outputs, "3") for name, (_, inputs, outputs) in MODELS.items()]
models.append(settings("untyped_affine", [], [], None))
for model in models:
    (folder / model["name"]).mkdir(parents=True, exist_ok=True)
    (folder / model["name"] / "model-settings.json").write_text(json.dumps(model))
own = {"host": "127.0.0.1", "http_port": port, "grpc_port": other, "metrics_endpoint": None, "parallel_workers": 0}
(folder / "settings.json").write_text(json.dumps(own))

os.environ["PYTHONPATH"] = here
command = [sys.executable, "-c", "from mlserver.cli import main; main()", "start", str(folder)]
os.execv(sys.executable, command)
