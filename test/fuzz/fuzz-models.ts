/** The models that are asked: every way of being typed and shaped that a decoder tells apart. */
import type { Datatype } from '../../src/tensor.ts';
import { concat, fixedBatch, gather, identity, softmaxOverBatch } from '../support/onnx.ts';
import type { ModelFiles } from '../support/repository.ts';

export interface FuzzInput {
  readonly name: string;
  readonly datatype: Datatype;
  /** −1: any. */
  readonly shape: readonly number[];
}

export interface FuzzModel {
  readonly name: string;
  readonly inputs: readonly FuzzInput[];
  readonly outputs: readonly string[];
  readonly files: ModelFiles;
}

/** A busy machine must not make an honest 504 of an answer. */
const PATIENT = 'timeoutMs: 60000\ninstances: [{ kind: cpu, count: 1 }]\n';

const model = (
  name: string,
  inputs: readonly FuzzInput[],
  outputs: readonly string[],
  bytes: Uint8Array,
  config = '',
): FuzzModel => ({ name, inputs, outputs, files: { versions: { 1: bytes }, config: PATIENT + config } });

const one = (datatype: Datatype, shape: readonly number[]): readonly FuzzInput[] => [
  { name: 'x', datatype, shape },
];

const typed = (name: string, datatype: Datatype, shape: readonly number[], config = ''): FuzzModel =>
  model(name, one(datatype, shape), ['y'], identity({ datatype, shape }), config);

export const FUZZ_MODELS: readonly FuzzModel[] = [
  typed('fp32', 'FP32', [-1, 4]),
  typed('kept', 'FP32', [-1, 4], 'cache: { enabled: true }\n'),
  typed('bytes', 'BYTES', [-1, 1]),
  typed('truth', 'BOOL', [-1, 2]),
  typed('half', 'FP16', [-1, 2]),
  typed('wide', 'UINT64', [-1, 2]),
  typed('tiny', 'INT8', [-1, 2]),
  model('gather', [{ name: 'index', datatype: 'INT64', shape: [-1, 1] }], ['y'], gather()),
  model('fixed', one('FP32', [1, 4]), ['y'], fixedBatch()),
  model('length', one('FP32', [-1, 4]), ['y'], softmaxOverBatch()),
  model(
    'concat',
    [
      { name: 'a', datatype: 'FP32', shape: [-1, -1] },
      { name: 'b', datatype: 'FP32', shape: [-1, -1] },
    ],
    ['y'],
    concat(),
  ),
];
