import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { OnnxSession } from '../../test/support/onnx-session.ts';
import { uniform } from '../../test/support/random.ts';
import { type Encoding, type Feed, inferBody, inferHeaders, inferPath, inferRequest } from './oip.ts';

const ROWS = 256;

/** Different rows for one model in one encoding, as requests, with the answers ONNX Runtime itself gives. */
export interface Workload {
  readonly model: string;
  readonly encoding: Encoding;
  readonly path: string;
  readonly requests: readonly Buffer[];
  readonly bodies: readonly { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> }[];
  /** For each request, the values of output `y`. */
  readonly expected: readonly (readonly number[])[];
}

/** Workloads of 256 rows `x` FP32 [1, width], four decimals each, for every model in JSON and in binary. */
export async function prepareWorkloads(
  repository: string,
  models: readonly string[],
  width: number,
): Promise<Workload[]> {
  const random = uniform(5);
  const rows = Array.from({ length: ROWS }, () =>
    Float32Array.from({ length: width }, () => Math.round(random() * 1e4) / 1e4),
  );
  // JSON carries the short decimal, not float32's seventeen digits of it; both read as the same float32.
  const shortest = rows.map(row => Array.from(row, value => Math.round(value * 1e4) / 1e4));
  const workloads: Workload[] = [];
  for (const model of models) {
    const file = await readFile(path.join(repository, model, '1', 'model.onnx'));
    const expected = await answers(file, rows);
    for (const encoding of ['binary', 'json'] as const) {
      const feeds = rows.map((values, i): Feed[] => [
        { name: 'x', shape: [1, width], values: encoding === 'json' ? (shortest[i] ?? []) : values },
      ]);
      const target = inferPath(model);
      workloads.push({
        model,
        encoding,
        path: target,
        requests: feeds.map(feed => inferRequest(target, feed, encoding)),
        bodies: feeds.map(feed => {
          const parts = inferBody(feed, encoding);
          return { body: parts.body, headers: inferHeaders(parts) };
        }),
        expected,
      });
    }
  }
  return workloads;
}

async function answers(model: Uint8Array, rows: readonly Float32Array[]): Promise<number[][]> {
  await using session = new OnnxSession();
  const width = rows[0]?.length ?? 0;
  const values = rows.flatMap(row => Array.from(row));
  const { y } = await session.run(model, { x: { datatype: 'FP32', shape: [rows.length, width], values } });
  const flat = (y?.values ?? []) as number[];
  const size = flat.length / rows.length;
  return rows.map((_, i) => flat.slice(i * size, (i + 1) * size));
}
