/** `npm run faults`: injects faults into real gateways under load, and says what became of every request. */
import { writeFileSync } from 'node:fs';
import { endWith, readFlags } from '../../bench/support/flags.ts';
import { machine, printTable, writeResult } from '../../bench/support/report.ts';
import { runAll, type ScenarioFigures } from './run-all.ts';
import { SCENARIOS, scenariosNamed } from './scenarios.ts';

const HELP = `Usage: npm run faults -- [options]

Injects faults into real gateways while they are loaded. Every request is counted: answered right, refused, lost or
wrong. A scenario whose fault met no request in flight counts as missed. Exit code 1 when a target is missed.

  --only <name,…>  these scenarios; default: all
  --list           the scenarios, and the faults each injects
  --short          minutes for all of them instead of an hour
  --seconds <n>    length of the load of chaos and overload, instead of their own; the others end with their faults
  --seed <n>       of arrivals and of what is drawn (default 1)
  --json <file>    where the figures go (default bench/results/faults-<time>.json)
  --help           this text
`;

const { values: flags } = readFlags(
  {
    options: {
      only: { type: 'string' },
      list: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  },
  HELP,
);

if (flags.list) printTable(SCENARIOS.map(({ name, faults, about }) => [name, faults, about]));
else process.exitCode = (await run()) ? 0 : 1;

async function run(): Promise<boolean> {
  const results = await runAll(chosen(), {
    short: flags.short,
    seed: whole('seed', flags.seed),
    seconds: flags.seconds === undefined ? undefined : whole('seconds', flags.seconds),
    progress: text => console.error(text),
  });
  const rows = results.flatMap(({ name, rows: own }) => own.map(row => ({ name, ...row })));
  printTable([
    ['scenario', 'figure', 'value', 'target', ''],
    ...rows.map(row => [row.name, row.figure, row.value, row.target, row.kept ? 'kept' : 'MISSED']),
  ]);
  console.log(write(results));
  return rows.every(({ kept }) => kept);
}

function chosen() {
  try {
    return scenariosNamed(flags.only?.split(','));
  } catch (error) {
    endWith((error as Error).message, HELP);
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) endWith(`--${name}: expected a whole number above 0`, HELP);
  return value;
}

function write(results: readonly ScenarioFigures[]): string {
  if (flags.json === undefined) return writeResult('faults', results);
  writeFileSync(
    flags.json,
    `${JSON.stringify({ name: 'faults', machine: machine(), result: results }, null, 2)}\n`,
  );
  return flags.json;
}
