/** The child of `run-row.ts`: runs the row it is told, reports, and ends. */
import { killBelow } from '../support/process-tree.ts';
import type { Row } from './row.ts';
import type { RowMessage, RowOrder } from './run-row.ts';

const tell = (message: RowMessage): void => {
  process.send?.(message);
};

async function run({ module, id, pairs, repeats, scale, folder }: RowOrder): Promise<RowMessage> {
  try {
    const { ROWS } = (await import(module)) as { ROWS: readonly Row[] };
    const row = ROWS.find(candidate => candidate.id === id);
    if (row === undefined) throw new Error(`there is no row ${id}`);
    const progress = (text: string) => tell({ kind: 'progress', text });
    const figures = await row.run({
      pairs,
      repeats,
      scale,
      folder,
      progress,
      kept: pairs => tell({ kind: 'kept', pairs }),
      plot: point => tell({ kind: 'point', point }),
    });
    return { kind: 'done', figures };
  } catch (error) {
    return { kind: 'failed', message: textOf(error) };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A row may leave servers, sockets or timers behind: all of it ends here, once the result has left. */
function leave(message: RowMessage): void {
  process.send?.(message, () => end(0));
}

function end(code: number): void {
  killBelow(process.pid);
  process.exit(code);
}

process.once('message', async (order: RowOrder) => leave(await run(order)));
process.on('uncaughtException', error => leave({ kind: 'failed', message: textOf(error) }));
process.on('disconnect', () => end(1));
