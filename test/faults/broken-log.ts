/**
 * R13: a log that nobody reads, whose file may not grow, or whose reader is gone, while workers print much for it. Serving
 * goes on as it did, and SIGTERM ends the gateway all the same.
 */
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addConstant } from '../support/onnx.ts';
import { give, obeyed } from './engine/orders.ts';
import { allRight, type Row, row, slower, timed } from './figures.ts';
import { metric } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { type Carried, carry, carryWhile, tail } from './traffic.ts';

const KINDS = ['unread', 'closed', 'full'] as const;
type Kind = (typeof KINDS)[number];

const RATE_PER_SECOND = 200;
const LINES_PER_RUN = 20;
/** More than the gateway keeps for a slow reader. */
const ENOUGH_LINES = 8000;
/** In blocks of 512 or 1024 bytes. */
const MAX_BLOCKS = 64;
const LEAVES_WITHIN_MS = 10_000;
const LOOK_MS = 50;

interface Broken {
  readonly kind: Kind;
  readonly before: Carried;
  readonly during: Carried;
  /** Given to the log under callers' rows; and of them, those it counted as dropped. */
  readonly lines: number;
  readonly dropped: number;
  readonly left: { readonly how: string; readonly tookMs: number };
}

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const all: Broken[] = [];
  for (const kind of KINDS) {
    options.progress(kind);
    all.push(await broken(kind, options));
  }
  return {
    rows: all.flatMap(rowsOf),
    details: all.map(({ before, during, ...one }) => ({
      ...{ ...one, before: before.account, during: during.account },
    })),
  };
}

function rowsOf({ kind, before, during, lines, dropped, left }: Broken): Row[] {
  const isDropped = kind === 'closed' || dropped > 0;
  return [
    row(`${kind}: lines the log was given`, lines, `≥ ${ENOUGH_LINES}`, lines >= ENOUGH_LINES),
    row(`${kind}: of them, counted as dropped`, dropped, kind === 'closed' ? 'any' : 'some', isDropped),
    allRight(`S13 ${kind}: not answered`, during.account),
    slower(`S13 ${kind}: p99 during ÷ before`, tail(during), tail(before), 1.5),
    row(`${kind}: how it ended on SIGTERM`, left.how, '0', left.how === '0'),
    timed(`${kind}: after`, `${left.tookMs} ms`, `≤ ${LEAVES_WITHIN_MS} ms`, left.tookMs <= LEAVES_WITHIN_MS),
  ];
}

async function broken(kind: Kind, { short, seed }: ScenarioOptions): Promise<Broken> {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-log-'));
  const file = path.join(folder, 'log');
  await using subject = await startSubjectWith(
    { other: { versions: { 1: addConstant(2, WIDTH) }, config: PATIENT } },
    {
      testEngine: true,
      ...(kind === 'full' && { shell: `exec 2>'${file}'; ulimit -f ${MAX_BLOCKS}` }),
    },
  );
  try {
    const traffic = { load: rowsFor('other'), ratePerSecond: RATE_PER_SECOND, seed };
    const seconds = short ? 3 : 30;
    const before = await carry(subject, traffic, seconds);
    breakLog(kind, subject);
    give(subject.engine, { kind: 'print', lines: LINES_PER_RUN });
    const lines = (): number => LINES_PER_RUN * obeyed(subject.engine).length;
    // A busy machine has larger batches and so fewer runs that print.
    const during = await carryWhile(subject, traffic, async () => {
      await sleep(seconds * 1000);
      while (lines() < ENOUGH_LINES) await sleep(LOOK_MS);
    });
    if (kind === 'full' && statSync(file).size < MAX_BLOCKS * 512) throw new Error('the file did not fill');
    const dropped = await metric(subject, 'headgate_log_dropped_lines_total');
    return { kind, before, during, lines: lines(), dropped, left: await leaving(subject) };
  } finally {
    // One that does not leave by itself.
    subject.headgate.process.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

function breakLog(kind: Kind, { headgate }: Subject): void {
  if (kind === 'unread') headgate.process.stderr?.pause();
  else if (kind === 'closed') headgate.process.stderr?.destroy();
}

async function leaving({ headgate }: Subject): Promise<{ how: string; tookMs: number }> {
  const startedAt = performance.now();
  const ended = headgate.stop().then(({ code, signal }) => String(code ?? signal));
  const how = await Promise.race([ended, sleep(LEAVES_WITHIN_MS, 'still there', { ref: false })]);
  return { how, tookMs: Math.round(performance.now() - startedAt) };
}
