/** The child of `run-row.ts`: runs the row it is told, reports, and ends. */
import type { Row } from './row.ts';
import type { RowMessage, RowOrder } from './run-row.ts';

const tell = (message: RowMessage): void => {
  process.send?.(message);
};

async function run({ module, id, pairs, scale, folder }: RowOrder): Promise<RowMessage> {
  try {
    const { ROWS } = (await import(module)) as { ROWS: readonly Row[] };
    const row = ROWS.find(candidate => candidate.id === id);
    if (row === undefined) throw new Error(`there is no row ${id}`);
    const progress = (text: string) => tell({ kind: 'progress', text });
    const figures = await row.run({
      pairs,
      scale,
      folder,
      progress,
      plot: point => tell({ kind: 'point', point }),
    });
    return { kind: 'done', figures };
  } catch (error) {
    return {
      kind: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

process.once('message', async (order: RowOrder) => {
  // A row may leave sockets or timers behind: the process ends when its result has left it.
  process.send?.(await run(order), () => process.exit(0));
});
process.on('disconnect', () => process.exit(1));
