/**
 * `npm run bench:controls [-- --pairs 2]`: is the scoreboard able to fail? A worker made 5 ms slower must move P5 and
 * P9, and a batcher capped at 1 must move P7. Ends with `kept`, or with each figure that did not notice.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureTail, TAIL_SUBJECTS, type TailSubject } from './scoreboard/p5-tail.ts';
import { measureGains } from './scoreboard/p7-batching-gain.ts';
import type { Bench, Figure, LoadPoint } from './scoreboard/row.ts';
import { ROWS } from './scoreboard/rows.ts';
import { printTable, progress, verdict } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { pairs: { type: 'string', default: '2' } } });
const SLOW_RUNS = fileURLToPath(new URL('./controls/slow-runs.ts', import.meta.url));

interface Control {
  readonly name: string;
  readonly asItIs: (bench: Bench) => Promise<readonly Figure[]>;
  readonly spoiled: (bench: Bench) => Promise<readonly Figure[]>;
  /** Has the figure moved as it must? */
  readonly noticed: (asItIs: number, spoiled: number) => boolean;
}

const [wide] = TAIL_SUBJECTS as [TailSubject];
const held = (figures: readonly Figure[]) => figures.filter(({ target }) => target !== undefined);
/** The load of P5 sinks with what a gateway can take: the spoiled one is offered what was offered to the other. */
let offeredPerSecond: number | undefined;
const controls: Control[] = [
  {
    name: 'runs 5 ms slower',
    asItIs: async bench => {
      const plot = (point: LoadPoint) => (offeredPerSecond = point.offeredPerSecond);
      return held(await measureTail({ ...bench, plot }, wide));
    },
    spoiled: async bench => held(await withSlowRuns(() => measureTail(bench, wide, offeredPerSecond))),
    noticed: (asItIs, spoiled) => spoiled > asItIs * 1.1,
  },
  {
    name: 'batches of one',
    asItIs: bench => measureGains(bench),
    spoiled: bench => measureGains(bench, 'maxBatchSize: 1\ntimeoutMs: 30000\n'),
    noticed: (asItIs, spoiled) => spoiled < asItIs * 0.5,
  },
];
const idleTax = ROWS.find(({ id }) => id === 'P9');
if (idleTax !== undefined) {
  controls.push({
    name: 'runs 5 ms slower',
    asItIs: async bench => held(await idleTax.run(bench)),
    spoiled: async bench => held(await withSlowRuns(() => idleTax.run(bench))),
    noticed: (asItIs, spoiled) => spoiled > asItIs + 4,
  });
}

await using folder = await TempFolder.create();
const table = [['row', 'figure', 'what was done', 'as it is', 'spoiled', '']];
const unmoved: string[] = [];
for (const [i, { name, asItIs, spoiled, noticed }] of controls.entries()) {
  const before = await asItIs(await benchIn(`${i}-as-it-is`));
  const after = await spoiled(await benchIn(`${i}-spoiled`));
  for (const [j, figure] of before.entries()) {
    const now = after[j]?.value ?? Number.NaN;
    const has = noticed(figure.value, now);
    table.push([
      figure.row,
      figure.name,
      name,
      figure.value.toFixed(2),
      now.toFixed(2),
      has ? 'moved' : 'NOT MOVED',
    ]);
    if (!has) unmoved.push(`${figure.row} ${figure.name} does not notice ${name}`);
  }
}
printTable(table);
verdict(unmoved);

async function benchIn(name: string): Promise<Bench> {
  const place = path.join(folder.path, name);
  await mkdir(place);
  return {
    pairs: Number(args.pairs),
    repeats: 0,
    scale: 0.4,
    folder: place,
    progress: text => progress(`${name} ${text}`),
    kept: () => undefined,
    plot: () => undefined,
  };
}

/** The servers started meanwhile inherit the preload, and their workers with them. */
async function withSlowRuns<T>(run: () => Promise<T>): Promise<T> {
  const { NODE_OPTIONS = '' } = process.env;
  process.env['NODE_OPTIONS'] = `${NODE_OPTIONS} --require=${SLOW_RUNS}`;
  try {
    return await run();
  } finally {
    process.env['NODE_OPTIONS'] = NODE_OPTIONS;
  }
}
