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
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { CONFIG, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { carry, p99 } from './traffic.ts';

const KINDS = ['unread', 'closed', 'full'] as const;
type Kind = (typeof KINDS)[number];

const RATE_PER_SECOND = 200;
const LINES_PER_RUN = 20;
/** More than the gateway keeps for a slow reader. */
const ENOUGH_LINES = 8000;
/** In blocks of 512 or 1024 bytes. */
const MAX_BLOCKS = 64;
const LEAVES_WITHIN_MS = 10_000;

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const rows: Row[] = [];
  for (const kind of KINDS) {
    options.progress(kind);
    rows.push(...(await broken(kind, options)));
  }
  return { rows };
}

async function broken(kind: Kind, { short, seed }: ScenarioOptions): Promise<Row[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-log-'));
  const file = path.join(folder, 'log');
  await using subject = await startSubjectWith(
    { other: { versions: { 1: addConstant(2, WIDTH) }, config: CONFIG } },
    {
      testEngine: true,
      ...(kind === 'full' && { shell: `exec 2>'${file}'; ulimit -f ${MAX_BLOCKS}` }),
    },
  );
  try {
    const traffic = { load: rowsFor('other'), ratePerSecond: RATE_PER_SECOND, seed };
    const seconds = short ? 5 : 30;
    const before = await carry(subject, traffic, seconds);
    breakLog(kind, subject);
    give(subject.engine, { kind: 'print', lines: LINES_PER_RUN });
    const during = await carry(subject, traffic, seconds);
    const lines = LINES_PER_RUN * obeyed(subject.engine).length;
    const isFull = kind !== 'full' || statSync(file).size >= MAX_BLOCKS * 512;
    const left = await leaving(subject);
    return [
      row(
        `${kind}: lines the log was given under callers’ rows`,
        lines,
        `≥ ${ENOUGH_LINES}`,
        lines >= ENOUGH_LINES && isFull,
      ),
      allRight(`S13 ${kind}: not answered`, during.account),
      slower(`S13 ${kind}: p99 during ÷ before`, p99(during), p99(before), 1.5),
      row(`${kind}: how it ended on SIGTERM`, left.how, '0', left.how === '0'),
      timed(
        `${kind}: after`,
        `${left.tookMs} ms`,
        `≤ ${LEAVES_WITHIN_MS} ms`,
        left.tookMs <= LEAVES_WITHIN_MS,
      ),
    ];
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
