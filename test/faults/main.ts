/** `npm run faults`: injects faults into a real gateway under load, and says what became of every request. */
import { parseArgs } from 'node:util';
import { printTable, writeResult } from '../../bench/support/report.ts';
import { chaos } from './chaos.ts';
import { chaosRows, poisonRows } from './figures.ts';
import { poison } from './poison.ts';
import { startSubject } from './subject.ts';

const HELP = `Usage: npm run faults -- [options]

Kills, crashes, stops and hangs workers of a real gateway while it is loaded, and mixes inputs that make a model fail
into its load. Every request is counted: answered right, refused, lost or wrong. Exit code 1 when a target is missed.

  --seconds <n>   length of the chaotic load (default 600)
  --every <n>     seconds from one fault to the next (default 10)
  --share <n>     of what the gateway carries, the load (default 0.6)
  --good <n>      good requests beside poison (default 100000)
  --seed <n>      of the arrivals (default 1)
  --short         60 s with a fault every 5, and 10,000 good requests
  --help          this text
`;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string' },
    every: { type: 'string' },
    share: { type: 'string', default: '0.6' },
    good: { type: 'string' },
    seed: { type: 'string', default: '1' },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (flags.help) process.stdout.write(HELP);
else process.exitCode = (await run()) ? 0 : 1;

async function run(): Promise<boolean> {
  const [seconds, every, good] = flags.short ? [60, 5, 10_000] : [600, 10, 100_000];
  const progress = (text: string): void => console.error(text);
  await using subject = await startSubject();
  const chaotic = await chaos(subject, {
    seconds: Number(flags.seconds ?? seconds),
    everySeconds: Number(flags.every ?? every),
    share: Number(flags.share),
    seed: Number(flags.seed),
    progress,
  });
  progress('poison beside good requests');
  const poisoned = await poison(subject, Number(flags.good ?? good), 0.02);
  const rows = [...chaosRows(chaotic), ...poisonRows(poisoned)];
  printTable([
    ['figure', 'value', 'target', ''],
    ...rows.map(({ figure, value, target, kept }) => [figure, value, target, kept ? 'kept' : 'MISSED']),
  ]);
  for (const [i, { fault, atMs }] of chaotic.injected.entries()) {
    const [recoveredMs, refused] = [chaotic.recoveredMs[i] ?? 0, chaotic.refusedAfter[i] ?? 0];
    console.log(`${fault} at ${atMs} ms: full work after ${recoveredMs} ms, ${refused} refused`);
  }
  for (const [kind, said] of Object.entries(chaotic.target.firsts)) console.log(`first ${kind}: ${said}`);
  console.log(writeResult('faults', { rows, chaotic, poisoned }));
  return rows.every(({ kept }) => kept);
}
