"""Drives an unmodified tritonclient[http] through everything it offers that Headgate serves.

Usage: triton_client.py HOST:PORT. Prints one JSON object of what it saw; any surprise is an exception.
"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def infer(client, binary_in, binary_out, rows):
    data = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4)
    asked = triton.InferInput("x", data.shape, "FP32")
    asked.set_data_from_numpy(data, binary_data=binary_in)
    output = triton.InferRequestedOutput("y", binary_data=binary_out)
    answer = client.infer("identity", [asked], outputs=[output], request_id="a-7")
    assert np.array_equal(answer.as_numpy("y"), data), answer.get_response()
    assert answer.get_response()["id"] == "a-7"
    return answer.get_response()["outputs"][0]["shape"]


def infer_every_datatype(client):
    samples = {
        "BOOL": np.array([[True, False, True, False]]),
        "UINT8": np.array([[0, 1, 254, 255]], dtype=np.uint8),
        "INT64": np.array([[-(2**63), -1, 2**53 + 1, 2**63 - 1]], dtype=np.int64),
        "UINT64": np.array([[0, 1, 2**53 + 1, 2**64 - 1]], dtype=np.uint64),
        "FP16": np.array([[0, -1.5, 65504, 6e-8]], dtype=np.float16),
        "FP64": np.array([[0.1, -1e300, np.inf, np.nan]], dtype=np.float64),
        "BYTES": np.array([[b"", b"a", "grüezi".encode(), b"z" * 300]], dtype=np.object_),
    }
    for datatype, data in samples.items():
        asked = triton.InferInput("x", data.shape, datatype)
        asked.set_data_from_numpy(data)
        answer = client.infer(f"identity_{datatype.lower()}", [asked]).as_numpy("y")
        same = np.array_equal(answer, data, equal_nan=datatype == "FP64")
        assert same and answer.dtype == data.dtype, (datatype, answer, data)
    return sorted(samples)


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("no error")


def wrong_shape(client):
    asked = triton.InferInput("x", [1, 5], "FP32")
    asked.set_data_from_numpy(np.zeros((1, 5), dtype=np.float32))
    client.infer("identity", [asked])


def classes(client):
    asked = triton.InferInput("x", [2, 4], "FP32")
    asked.set_data_from_numpy(np.array([[1, 4, 2, 3], [9, 0, 0, 5]], dtype=np.float32))
    answer = client.infer("identity", [asked], outputs=[triton.InferRequestedOutput("y", class_count=2)])
    return [[item.decode() for item in row] for row in answer.as_numpy("y")]


def asynchronous(client):
    pending = []
    for number in range(32):
        asked = triton.InferInput("x", [1, 4], "FP32")
        asked.set_data_from_numpy(np.full((1, 4), number, dtype=np.float32))
        pending.append((number, client.async_infer("identity", [asked])))
    for number, handle in pending:
        assert (handle.get_result().as_numpy("y") == number).all()
    return len(pending)


def compressed(client):
    data = np.zeros((8, 4), dtype=np.float32)
    asked = triton.InferInput("x", data.shape, "FP32")
    asked.set_data_from_numpy(data)
    for algorithm in ("gzip", "deflate"):
        answer = client.infer(
            "identity",
            [asked],
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )
        assert np.array_equal(answer.as_numpy("y"), data)
    return True


def main():
    client = triton.InferenceServerClient(sys.argv[1], concurrency=8)
    statistics = client.get_inference_statistics("identity")["model_stats"][0]
    seen = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": client.is_model_ready("identity"),
        "versionReady": client.is_model_ready("identity", "1"),
        "missingReady": client.is_model_ready("nope"),
        "server": client.get_server_metadata()["name"],
        "metadata": client.get_model_metadata("identity"),
        "maxBatchSize": client.get_model_config("identity")["max_batch_size"],
        "statistics": statistics["name"],
        "index": sorted(entry["name"] for entry in client.get_model_repository_index()),
        "shapes": [infer(client, i, o, 3) for i in (False, True) for o in (False, True)],
        "datatypes": infer_every_datatype(client),
        "classes": classes(client),
        "async": asynchronous(client),
        "compressed": compressed(client),
        "wrongShape": refusal(lambda: wrong_shape(client)),
        "unknownModel": refusal(lambda: client.get_model_metadata("nope")),
        "load": refusal(lambda: client.load_model("identity")),
    }
    print(json.dumps(seen))


main()
