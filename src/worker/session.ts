/** One ONNX Runtime session: created from bytes in memory, described, run. Lives on a run thread. */
import './float16-workaround.ts';
import './run-at-once.ts';
import { InferenceSession, type Tensor as OrtTensor } from 'onnxruntime-node';
import { GatewayError } from '../errors.ts';
import type { ModelSignature } from '../inference.ts';
import type { DeviceKind, LoadOrder } from '../protocol/load-order.ts';
import type { TensorSpec } from '../tensor.ts';
import { readModelBytes } from './model-bytes.ts';
import { datatypeOf } from './tensor-values.ts';

/** The binding builds its results with plain property writes, where this name is no name. */
const UNNAMEABLE_OUTPUT = '__proto__';

export interface LoadedSession {
  readonly session: InferenceSession;
  readonly signature: ModelSignature;
}

/** Reads, checks and loads; throws `invalid` for a model that cannot be served, or ONNX Runtime's own error. */
export async function loadSession(order: LoadOrder): Promise<LoadedSession> {
  const { model, externalData } = readModelBytes(order);
  const session = await InferenceSession.create(model, {
    ...sessionOptions(order),
    ...(externalData.length > 0 && { externalData }),
  });
  try {
    return { session, signature: signatureOf(session) };
  } catch (error) {
    await session.release();
    throw error;
  }
}

export async function runSession(
  session: InferenceSession,
  feeds: Readonly<Record<string, OrtTensor>>,
  outputs: readonly string[],
): Promise<readonly OrtTensor[]> {
  const results = await session.run(feeds, outputs);
  return outputs.map(name => results[name] as OrtTensor);
}

function sessionOptions({ kind, device, intraOpThreads }: LoadOrder): InferenceSession.SessionOptions {
  return {
    executionProviders: providers(kind, device),
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Patterns pay only for fixed shapes; here the batch axis varies.
    enableMemPattern: false,
    // Errors reach the caller by the exception; ONNX Runtime would print them too, once per bad request.
    logSeverityLevel: 4,
    // Spinning threads would take the cores from the other instances and from the gateway.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

/** CPU is named for `cpu` alone: a missing provider is an error of `create`, never a silent fall to the CPU. */
function providers(kind: DeviceKind, deviceId: number): InferenceSession.ExecutionProviderConfig[] {
  switch (kind) {
    case 'cpu':
      return ['cpu'];
    case 'webgpu':
      return ['webgpu'];
    case 'cuda':
      return [{ name: 'cuda', deviceId }];
    case 'tensorrt':
      return [
        { name: 'tensorrt', deviceId },
        { name: 'cuda', deviceId },
      ];
  }
}

function signatureOf(session: InferenceSession): ModelSignature {
  const outputs = session.outputMetadata.map(metadata => toSpec(metadata, 'output'));
  if (outputs.some(({ name }) => name === UNNAMEABLE_OUTPUT)) {
    throw new GatewayError(
      'invalid',
      `output '${UNNAMEABLE_OUTPUT}': ONNX Runtime's binding cannot return an output of that name`,
    );
  }
  return { inputs: session.inputMetadata.map(metadata => toSpec(metadata, 'input')), outputs };
}

function toSpec(metadata: InferenceSession.ValueMetadata, side: 'input' | 'output'): TensorSpec {
  const { name } = metadata;
  if (!metadata.isTensor)
    throw new GatewayError('invalid', `${side} '${name}' is a sequence or map: only tensors can be served`);
  const datatype = datatypeOf(metadata.type);
  if (datatype === undefined)
    throw new GatewayError('invalid', `${side} '${name}' has type ${metadata.type}, which cannot be served`);
  return { name, datatype, shape: metadata.shape.map(size => (typeof size === 'number' ? size : -1)) };
}
