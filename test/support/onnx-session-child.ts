/** The child of `onnx-session.ts`: keeps the model it ran last, answers over the process channel. */
import { isDeepStrictEqual } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Datatype } from '../../src/tensor.ts';
import type { Answer, Feeds, Run, Values } from './onnx-session.ts';

// onnxruntime-common turns FP16 data into a Float16Array where that exists (Node ≥ 24), which the 1.30.0 binding
// then takes for 0 bytes long. Without the global, before the first Tensor is made, it stays with Uint16Array.
Reflect.deleteProperty(globalThis, 'Float16Array');

const ORT_TYPE = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
} as const satisfies Record<Datatype, Tensor.Type>;

function toTensor({ datatype, shape, values }: Values): Tensor {
  const type = ORT_TYPE[datatype];
  const data = datatype === 'FP16' ? Uint16Array.from(values, Number) : values;
  return new Tensor(type, data as number[], [...shape]);
}

function fromTensor(tensor: Tensor): Values {
  const datatype = (Object.keys(ORT_TYPE) as Datatype[]).find(name => ORT_TYPE[name] === tensor.type);
  if (datatype === undefined) throw new Error(`no datatype for ${tensor.type}`);
  const { data } = tensor;
  return { datatype, shape: tensor.dims, values: Array.from(data as ArrayLike<number>) };
}

let loaded: { readonly model: Run['model']; readonly session: InferenceSession } | undefined;

async function load(model: Run['model']): Promise<InferenceSession> {
  if (loaded !== undefined && isDeepStrictEqual(loaded.model, model)) return loaded.session;
  const options = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
  const session =
    typeof model === 'string'
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(Uint8Array.from(model), options);
  loaded = { model, session };
  return session;
}

async function run({ model, feeds }: Run): Promise<Feeds> {
  const session = await load(model);
  const tensors = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, toTensor(value)]));
  const outputs = await session.run(tensors);
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
}

process.on('message', async (message: Run) => {
  const answer: Answer = await run(message).then(
    outputs => ({ outputs }),
    (error: Error) => ({ error: error.message }),
  );
  process.send?.(answer);
});
