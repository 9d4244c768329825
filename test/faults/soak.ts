/** S9: what a gateway holds over a long time of mixed requests, reloads and clients that leave. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { uniform } from '../../src/load/random.ts';
import { identity, writeVersion } from '../support/onnx.ts';
import { Asker } from './cross-talk-asker.ts';
import { type CrossTalkSubject, MixedQuestions, startCrossTalkSubject } from './cross-talk-subject.ts';
import { CrossTalkTally } from './cross-talk-tally.ts';
import { type Hook, planted } from './hooks/planted.ts';
import { type Sample, sampleOf } from './soak-samples.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Of them, those before anything is said of growth: learned tables, caches, compiled code and buffers fill. */
  readonly warmupMinutes: number;
  readonly sampleSeconds: number;
  readonly reloadSeconds: number;
  readonly clients: number;
  /** Between an answer and what its client asks next, ms, on average. */
  readonly pauseMs: number;
  readonly seed: number;
  /** Kept of each request: a leak to be found. */
  readonly leakBytes?: number;
  readonly progress: (text: string) => void;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly reloads: number;
  readonly tally: CrossTalkTally;
  readonly seconds: number;
  readonly warmupMs: number;
}

/** Of the clients, and the part of their requests under which they leave. */
const LEAVERS = 0.3;
const LEAVES = 1 / 50;
const PROGRESS_SAMPLES = 12;

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { leakBytes, minutes, seed, clients, pauseMs, reloadSeconds } = options;
  const hooks: readonly Hook[] = leakBytes === undefined ? ['holdings'] : ['holdings', 'leak'];
  const holdingsFile = path.join(tmpdir(), `headgate-soak-${process.pid}.json`);
  await using subject = await startCrossTalkSubject({
    ...planted(...hooks),
    SOAK_FILE: holdingsFile,
    SOAK_EVERY_MS: String(options.sampleSeconds * 1000),
    SOAK_LEAK_BYTES: String(leakBytes),
  });
  const tally = new CrossTalkTally();
  const questions = new MixedQuestions(uniform(seed));
  const { address } = subject;
  const askers = Array.from({ length: clients }, (_, asker) => {
    const leaves = asker < LEAVERS * clients ? LEAVES : 0;
    const random = uniform(seed + asker + 1);
    return new Asker({ address, asker, depth: 1, leaves, pauseMs, questions, tally, random });
  });
  const startedAt = performance.now();
  const untilMs = startedAt + minutes * 60_000;
  for (const asker of askers) asker.start();
  const reloading = reloadAgainAndAgain(subject, reloadSeconds, untilMs);
  const samples = await sampling(subject, holdingsFile, startedAt, untilMs, options, tally);
  await Promise.all(askers.map(asker => asker.stop()));
  await rm(holdingsFile, { force: true });
  const seconds = (performance.now() - startedAt) / 1000;
  return { samples, reloads: await reloading, tally, seconds, warmupMs: options.warmupMinutes * 60_000 };
}

async function sampling(
  { headgate }: CrossTalkSubject,
  holdingsFile: string,
  startedAt: number,
  untilMs: number,
  { sampleSeconds, progress }: SoakOptions,
  tally: CrossTalkTally,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (performance.now() < untilMs) {
    await sleep(sampleSeconds * 1000);
    const sample = sampleOf(headgate.pid, holdingsFile, startedAt);
    if (sample === undefined) throw new Error(`the gateway ended:\n${headgate.output().slice(-2000)}`);
    samples.push(sample);
    if (samples.length % PROGRESS_SAMPLES === 0) progress(lineOf(sample, tally));
  }
  return samples;
}

function lineOf(sample: Sample, { own, foreign, failed, lost }: CrossTalkTally): string {
  const mb = (bytes = Number.NaN) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  const { atMs, resident, heap, files, handles, workersResident, workersFiles } = sample;
  const gateway = `gateway ${mb(resident)}, heap ${mb(heap)}, ${files} files, ${handles} handles`;
  const workers = `workers ${mb(workersResident)}, ${workersFiles} files`;
  const answers = `${own} answers, ${foreign} foreign, ${failed} failed, ${lost} lost`;
  return `${(atMs / 60_000).toFixed(1)} min: ${gateway}; ${workers}; ${answers}`;
}

/** Each is another file of the same model, which is loaded, verified, warmed up and takes the place of the one before. */
async function reloadAgainAndAgain(
  { repository }: CrossTalkSubject,
  everySeconds: number,
  untilMs: number,
): Promise<number> {
  for (let reloads = 0; ; reloads++) {
    await sleep(Math.max(0, Math.min(everySeconds * 1000, untilMs - performance.now())));
    if (performance.now() >= untilMs) return reloads;
    await writeVersion(repository, 'batched', 1, identity({ shape: [`batch${reloads}`, 4] }));
  }
}
