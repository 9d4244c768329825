"""The models that the servers of this folder serve, and what is expected of them: numpy, and nothing of Headgate."""

import numpy as np

WEIGHTS = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
BIAS = np.array([0.5, 0, -0.25], dtype=np.float32)
REFUSALS = (400, 429, 500, 503)


class Refusal(Exception):
    """An input that says which status it wants to be answered with."""

    def __init__(self, status):
        super().__init__(f"the input says {status}")
        self.status = status


def affine(x):
    # Without BLAS, whose last bits depend on how many rows there are.
    y = np.tanh((x[:, :, None] * WEIGHTS).sum(axis=1) + BIAS)
    return {"y": y, "top": y.argmax(axis=1).astype(np.int64)}


def centred(x):
    """Its first axis is no batch axis: each row depends on the others."""
    return {"y": x - x.mean(axis=0, keepdims=True)}


def picky(x):
    for status in REFUSALS:
        if (x == status).any():
            raise Refusal(status)
    return {"y": 2 * x}


def echo(b, u, i, d, s):
    return {"b_out": b, "u_out": u, "i_out": i, "d_out": d, "s_out": s}


def tensor(name, datatype, *shape):
    return {"name": name, "datatype": datatype, "shape": list(shape)}


ECHOED = {"b": "BOOL", "u": "UINT8", "i": "INT64", "d": "FP64", "s": "BYTES"}
X = [tensor("x", "FP32", -1, 4)]
Y = [tensor("y", "FP32", -1, 4)]

# Name, formula, inputs and outputs.
MODELS = {
    "affine": (affine, X, [tensor("y", "FP32", -1, 3), tensor("top", "INT64", -1)]),
    "centred": (centred, X, Y),
    "picky": (picky, X, Y),
    "echo": (
        echo,
        [tensor(name, datatype, -1, 2) for name, datatype in ECHOED.items()],
        [tensor(f"{name}_out", datatype, -1, 2) for name, datatype in ECHOED.items()],
    ),
}
