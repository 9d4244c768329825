/** The batches a version ran, as its statistics count them. */
import type { Server } from './server.ts';

/** Rows of a run → how many such runs. */
export type BatchSizes = ReadonlyMap<number, number>;

export async function readBatchSizes(server: Server, model: string): Promise<BatchSizes> {
  const response = await fetch(`${server.url}/v2/models/${model}/stats`);
  const { model_stats: stats } = (await response.json()) as {
    model_stats: { batch_stats: { batch_size: number; compute_infer: { count: number } }[] }[];
  };
  const sizes = new Map<number, number>();
  for (const { batch_size: rows, compute_infer: runs } of stats.flatMap(version => version.batch_stats)) {
    sizes.set(rows, (sizes.get(rows) ?? 0) + runs.count);
  }
  return sizes;
}

/** The runs of `later` that `earlier` had not seen, by rows ascending. */
export function runsSince(earlier: BatchSizes, later: BatchSizes): BatchSizes {
  const runs = [...later]
    .map(([rows, count]) => [rows, count - (earlier.get(rows) ?? 0)] as const)
    .filter(([, count]) => count > 0);
  return new Map(runs.sort(([a], [b]) => a - b));
}

export function meanRows(sizes: BatchSizes): number {
  let [rows, runs] = [0, 0];
  for (const [size, count] of sizes) {
    rows += size * count;
    runs += count;
  }
  return rows / runs;
}
