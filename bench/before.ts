/**
 * `npm run bench:before -- --commit <commit> [--pairs 20] [--seconds 3]`: this code beside an earlier commit's. Both
 * gateways stand side by side, warm, and take turns; who goes first goes last in the next pair. Identity of 16
 * floats, JSON and binary, one row a request. A third gateway, this code once more, says what is noise.
 */
import path from 'node:path';
import { AnswerCheck } from './support/answer-check.ts';
import { prepareModel } from './support/bench-models.ts';
import { decimals } from './support/decimals.ts';
import { checkOut } from './support/earlier-code.ts';
import { endWith, readFlags } from './support/flags.ts';
import { startHeadgate } from './support/headgate.ts';
import { bootstrapInterval, median } from './support/median.ts';
import { type Encoding, inferPath, inferRequest } from './support/oip.ts';
import { printTable, progress, writeResult } from './support/report.ts';
import { type Saturated, saturate } from './support/saturate.ts';
import type { Server } from './support/server.ts';
import { TempFolder } from './support/temp-folder.ts';

const USAGE = 'usage: npm run bench:before -- --commit <commit> [--pairs 20] [--seconds 3]';
const { values: flags } = readFlags(
  {
    options: {
      commit: { type: 'string' },
      pairs: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '3' },
    },
  },
  USAGE,
);
const { commit } = flags;
if (commit === undefined) endWith('--commit: the one to stand beside', USAGE);
const [pairs, seconds] = [Number(flags.pairs), Number(flags.seconds)];
const CONNECTIONS = 128;
const WARMUP_SECONDS = 8;
const SIDES = ['before', 'now', 'now again'] as const;
type Side = (typeof SIDES)[number];
type Turn = Readonly<Record<Side, Saturated>>;

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
const model = await prepareModel(repository, 'identity16');
const answers = new AnswerCheck(model.output, model.expected);

function loadOf(encoding: Encoding) {
  const requests = model.rows.map(row => {
    const values = encoding === 'json' ? decimals(row) : Float32Array.from(row);
    return inferRequest(inferPath(model.name), [{ name: model.input, shape: [1, 16], values }], encoding);
  });
  return { requests, connections: CONNECTIONS, check: answers.check.bind(answers) };
}

async function takeTurns(servers: Readonly<Record<Side, Server>>, encoding: Encoding): Promise<Turn[]> {
  const load = loadOf(encoding);
  for (const side of SIDES) await saturate(servers[side], { ...load, seconds: WARMUP_SECONDS });
  const turns: Turn[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    progress(`${encoding}: pair ${pair + 1}/${pairs}`);
    const turn: Partial<Record<Side, Saturated>> = {};
    const first = pair % SIDES.length;
    for (const side of [...SIDES.slice(first), ...SIDES.slice(0, first)])
      turn[side] = await saturate(servers[side], { ...load, seconds, warmupSeconds: 0.5 });
    turns.push(turn as Turn);
  }
  return turns;
}

function rowOf(encoding: Encoding, name: string, turns: readonly Turn[], of: (side: Saturated) => number) {
  const ratios = (side: Side, to: Side) => turns.map(turn => of(turn[side]) / of(turn[to]));
  const shown = (all: readonly number[]) => {
    const [low, high] = bootstrapInterval(all);
    return `${median(all).toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
  };
  const usual = median(turns.map(turn => of(turn.before))).toFixed(1);
  return [encoding, name, usual, shown(ratios('now', 'before')), shown(ratios('now again', 'now'))];
}

const start = (name: string, main?: string) =>
  startHeadgate(
    repository,
    path.join(folder.path, name),
    { log: { level: 'warn' } },
    main === undefined ? {} : { main },
  );
await using before = await start('gateway-before', path.join(checkOut(commit, folder.path), 'src/main.ts'));
await using now = await start('gateway-now');
await using again = await start('gateway-again');
const servers = { before, now, 'now again': again };
const measured: Partial<Record<Encoding, Turn[]>> = {};
for (const encoding of ['json', 'binary'] as const) measured[encoding] = await takeTurns(servers, encoding);

printTable([
  ['', 'of a request', commit, 'now ÷ before', 'now again ÷ now'],
  ...Object.entries(measured).flatMap(([encoding, turns]) => [
    rowOf(encoding as Encoding, 'gateway CPU, µs', turns, ({ frontCpuUs }) => frontCpuUs),
    rowOf(encoding as Encoding, 'all CPU, µs', turns, ({ cpuUs }) => cpuUs),
    rowOf(encoding as Encoding, 'requests/s', turns, ({ perSecond }) => perSecond),
  ]),
]);
console.log(writeResult('before', { commit, pairs, measured }));
