/** Runs one row in a process of its own: fresh, and unable to take the others down with it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { killBelow } from '../support/process-tree.ts';
import type { PairsKept } from './pairs.ts';
import type { Figure, LoadPoint } from './row.ts';

export interface RowOrder {
  /** The module that exports the rows as `ROWS`. */
  readonly module: string;
  readonly id: string;
  readonly pairs: number;
  readonly repeats: number;
  readonly scale: number;
  readonly folder: string;
}

export type RowMessage =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'point'; readonly point: LoadPoint }
  | { readonly kind: 'kept'; readonly pairs: PairsKept }
  | { readonly kind: 'done'; readonly figures: readonly Figure[] }
  | { readonly kind: 'failed'; readonly message: string };

type End = Extract<RowMessage, { kind: 'done' | 'failed' }>;

export interface RowResult {
  readonly id: string;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  readonly points: readonly LoadPoint[];
  readonly pairs: readonly PairsKept[];
  /** Why there are no figures. */
  readonly failed?: string;
}

/** Never rejects. A row that takes longer than `limitSeconds` is ended with all processes it started. */
export async function runRow(
  order: RowOrder,
  limitSeconds: number,
  progress: (text: string) => void,
): Promise<RowResult> {
  const started = performance.now();
  const points: LoadPoint[] = [];
  const pairs: PairsKept[] = [];
  const last: { message: End } = {
    message: { kind: 'failed', message: 'its process ended without a result' },
  };
  const child = fork(new URL('./row-process.ts', import.meta.url), [], { serialization: 'advanced' });
  child.on('message', (message: RowMessage) => {
    if (message.kind === 'progress') progress(message.text);
    else if (message.kind === 'point') points.push(message.point);
    else if (message.kind === 'kept') pairs.push(message.pairs);
    else last.message = message;
  });
  const timer = setTimeout(() => {
    last.message = { kind: 'failed', message: `took longer than ${Math.round(limitSeconds)} s` };
    killTree(child);
  }, limitSeconds * 1000);
  child.send(order);
  await once(child, 'close');
  clearTimeout(timer);
  const seconds = (performance.now() - started) / 1000;
  const end = last.message;
  const result = { id: order.id, seconds, points, pairs };
  return end.kind === 'done'
    ? { ...result, figures: end.figures }
    : { ...result, figures: [], failed: end.message };
}

function killTree(child: ChildProcess): void {
  if (child.pid !== undefined) killBelow(child.pid);
  child.kill('SIGKILL');
}
