"""An MLServer runtime that runs one formula, named as the model is."""

import numpy as np
from formulas import MODELS, Refusal
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError, MLServerError
from mlserver.types import InferenceRequest, InferenceResponse


def read(given):
    if given.datatype != "BYTES":
        return NumpyCodec.decode_input(given)
    return np.array(StringCodec.decode_input(given), dtype=object).reshape(given.shape)


def write(name, array):
    if array.dtype != object:
        return NumpyCodec.encode_output(name, array)
    output = StringCodec.encode_output(name, array.flatten().tolist())
    output.shape = list(array.shape)
    return output


def raised(refusal):
    if refusal.status == 400:
        return InferenceError(str(refusal))
    # As a bug of the model's does, and whatever else the model lets through.
    return ValueError(str(refusal)) if refusal.status == 500 else MLServerError(str(refusal), refusal.status)


class Formula(MLModel):
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        formula = MODELS[self.name.removeprefix("untyped_")][0]
        inputs = {given.name: read(given) for given in payload.inputs}
        print(f"ran {self.name} {len(next(iter(inputs.values())))} json", flush=True)
        try:
            answers = formula(**inputs)
        except Refusal as refusal:
            raise raised(refusal) from None
        outputs = [write(name, array) for name, array in answers.items()]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
