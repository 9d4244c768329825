/** The requests that `headgate bench` sends: made from the signature, or taken from a file. */
import { readFileSync } from 'node:fs';
import { GatewayError } from '../errors.ts';
import { type DescribedModel, TargetError } from '../load/describe-model.ts';
import { inferBody, inferRequest } from '../load/infer-requests.ts';
import { rowsOf, SampleError, sampleInputs } from '../load/sample-inputs.ts';
import { decodeInfer } from '../protocol/decode-infer.ts';
import type { Tensor } from '../tensor.ts';
import type { BenchOptions } from './bench-flags.ts';

export interface BenchRequests {
  /** Whole HTTP requests. */
  readonly requests: readonly Uint8Array[];
  /** Carried by each. */
  readonly rows: number;
  /** For a person: what is sent. */
  readonly description: string;
}

/** Few enough to be tried one by one beforehand, enough that no two neighbours in a batch are the same. */
const SAMPLES = 16;
const MAX_BYTES = 128 * 2 ** 20;

/** Throws TargetError, saying what is missing or wrong and how to give it. */
export function benchRequests(options: BenchOptions, model: DescribedModel): BenchRequests {
  try {
    return options.input === undefined
      ? randomRequests(options, model)
      : givenRequests(options, options.input, model);
  } catch (error) {
    if (error instanceof SampleError || error instanceof GatewayError) throw new TargetError(error.message);
    throw error;
  }
}

function randomRequests(options: BenchOptions, { name, version, signature }: DescribedModel): BenchRequests {
  const { server, encoding, rows, shapes } = options;
  const requests: Uint8Array[] = [];
  let inputs: Tensor[] = [];
  for (let seed = 1, bytes = 0; seed <= SAMPLES && bytes < MAX_BYTES; seed++) {
    inputs = sampleInputs(signature.inputs, { seed, rows, shapes });
    const request = inferRequest(server, name, version, inferBody(inputs, encoding));
    requests.push(request);
    bytes += request.length;
  }
  return {
    requests,
    rows: rowsOf(signature.inputs, inputs),
    description: `${requests.length} different requests of random values, ${described(inputs)}`,
  };
}

/** A file holds one request or an array of them. As JSON they are sent as they stand. */
function givenRequests(
  options: BenchOptions,
  file: string,
  { name, version, signature }: DescribedModel,
): BenchRequests {
  const { server, encoding } = options;
  const bodies = readBodies(file);
  const decoded = bodies.map(
    body => decodeInfer(body, undefined, { name, signature, maxBatchSize: 0 }).inputs,
  );
  const requests = decoded.map((inputs, i) => {
    const body =
      encoding === 'binary'
        ? inferBody(inputs, encoding)
        : { bytes: bodies[i] as Buffer, jsonLength: undefined };
    return inferRequest(server, name, version, body);
  });
  const inputs = decoded[0] ?? [];
  return {
    requests,
    rows: rowsOf(signature.inputs, inputs),
    description: `${requests.length === 1 ? 'the request' : `${requests.length} requests`} from ${file}, ${described(inputs)}`,
  };
}

function readBodies(file: string): Buffer[] {
  let parsed: unknown;
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : message;
    throw new TargetError(
      `--input ${file}: expected an OIP v2 request as JSON, or an array of them: ${reason}`,
    );
  }
  if (!Array.isArray(parsed)) return [bytes];
  if (parsed.length === 0) throw new TargetError(`--input ${file}: expected at least one request`);
  return parsed.map(request => Buffer.from(JSON.stringify(request)));
}

const described = (inputs: readonly Tensor[]): string =>
  inputs.map(({ name, datatype, shape }) => `${name} ${datatype} [${shape}]`).join(', ');
