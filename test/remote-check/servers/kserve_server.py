"""Starts KServe's model server with the formulas, on loopback. Usage: kserve_server.py PORT; more is ignored."""

import sys

import uvicorn

port = int(sys.argv[1])
# It reads the command line itself.
del sys.argv[1:]


class OnLoopback(uvicorn.Config):
    """It would listen on every address, and has no option for it."""

    def __init__(self, app, host=None, **options):
        super().__init__(app, host="127.0.0.1", **options)


uvicorn.Config = OnLoopback

from formulas import MODELS, Refusal  # noqa: E402
from kserve import InferOutput, InferResponse, Model, ModelServer  # noqa: E402
from kserve.errors import InvalidInput, ModelNotReady  # noqa: E402


class Formula(Model):
    def __init__(self, name, formula, inputs, outputs):
        super().__init__(name)
        self.formula, self.inputs, self.outputs = formula, inputs, outputs
        self.load()

    def load(self):
        self.ready = True
        return True

    async def get_input_types(self):
        return self.inputs

    async def get_output_types(self):
        return self.outputs

    async def predict(self, payload, headers=None, response_headers=None):
        inputs = {given.name: given.as_numpy() for given in payload.inputs}
        form = "binary" if payload.use_binary_outputs else "json"
        print(f"ran {self.name} {len(next(iter(inputs.values())))} {form}", flush=True)
        try:
            answers = self.formula(**inputs)
        except Refusal as refusal:
            raise raised(refusal) from None
        binary = bool(payload.use_binary_outputs)
        outputs = [self.write(*answer, binary) for answer in answers.items()]
        return InferResponse("", self.name, outputs, use_binary_outputs=binary)

    def write(self, name, array, binary):
        [datatype] = [spec["datatype"] for spec in self.outputs if spec["name"] == name]
        output = InferOutput(name, list(array.shape), datatype)
        output.set_data_from_numpy(array, binary_data=binary)
        return output


def raised(refusal):
    if refusal.status == 503:
        return ModelNotReady("picky")
    # Of 429 it has no way to speak.
    return InvalidInput(str(refusal)) if refusal.status == 400 else ValueError(str(refusal))


models = [Formula(name, *parts) for name, parts in MODELS.items()]
ModelServer(http_port=port, enable_grpc=False, workers=1).start(models)
