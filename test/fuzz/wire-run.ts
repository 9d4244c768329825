/** Fuzzes a server over sockets, several connections at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FuzzCase, Kind, Tally } from './fuzz-case.ts';
import { InferConnection, type InferOutcome } from './infer-connection.ts';
import { type Answer, outcomeOf, troubleOf } from './judge.ts';
import { exchangeRaw, type RawOutcome, sendAndLeave } from './raw-exchange.ts';
import type { Subject } from './subject.ts';

export interface WireRun {
  readonly kind: Exclude<Kind, 'config' | 'model'>;
  /** In order, each once. */
  readonly cases: Iterator<FuzzCase, undefined>;
  readonly signal: AbortSignal;
}

const RAW_LANES = 24;
/** One client in so many does not wait for its answer. */
const LEAVES_EVERY = 16;
/** Requests under way on each connection; alone, one is read past node:http (`src/http/plain-connection.ts`). */
const WINDOWS = [1, 1, 1, 1, 2, 4, 8];
/** A connection is used for so many: state that one request leaves to the next is found by the next. */
const PER_CONNECTION = 500;
/** How often a suspicion must come true. */
const CONFIRMATIONS = 2;
const WORKERS_EVERY_MS = 1000;
/** A connection ends before the process that ended it is seen to be gone. */
const DEATH_NOTICE_MS = 50;

/** Resolves when all cases have ended; those under way when the server dies are tried one by one on its successor. */
export async function fuzzWire(run: WireRun, subject: Subject, tally: Tally): Promise<void> {
  const fuzz = new WireFuzz(run, subject, tally);
  const lanes = run.kind === 'http' ? fuzz.rawLanes() : fuzz.inferLanes();
  const watch = fuzz.watchWorkers();
  await Promise.all(lanes);
  await Promise.all(fuzz.doubts);
  fuzz.isOver = true;
  await watch;
}

class WireFuzz {
  isOver = false;
  readonly doubts: Promise<void>[] = [];
  readonly #run: WireRun;
  readonly #subject: Subject;
  readonly #tally: Tally;
  /** Under way when the server died. */
  #suspects: FuzzCase[] = [];
  #recovery: Promise<void> | undefined;
  /** The latest, for a worker's death that shows only later. */
  readonly #latest: FuzzCase[] = [];

  constructor(run: WireRun, subject: Subject, tally: Tally) {
    this.#run = run;
    this.#subject = subject;
    this.#tally = tally;
  }

  rawLanes(): Promise<void>[] {
    return Array.from({ length: RAW_LANES }, async () => {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        const exchange = next.index % LEAVES_EVERY === 0 ? sendAndLeave : exchangeRaw;
        const outcome = await exchange(this.#portOf(next), next.bytes);
        if (outcome.answers.length === 0) await sleep(DEATH_NOTICE_MS);
        this.#judgeRaw(next, outcome);
        await this.#recovered(next);
      }
    });
  }

  inferLanes(): Promise<void>[] {
    return WINDOWS.flatMap(window => {
      const line = { connection: undefined as InferConnection | undefined, used: 0 };
      return Array.from({ length: window }, async () => {
        for (let next = this.#next(); next !== undefined; next = this.#next()) {
          await this.#infer(line, next);
          await this.#recovered(next);
        }
        line.connection?.close();
      });
    });
  }

  async #infer(
    line: { connection: InferConnection | undefined; used: number },
    fuzzed: FuzzCase,
  ): Promise<void> {
    for (;;) {
      if (line.connection === undefined || line.connection.isOver || line.used++ > PER_CONNECTION) {
        line.connection = new InferConnection(this.#subject.port);
        line.used = 0;
      }
      const outcome = await line.connection.ask(fuzzed.bytes);
      if (outcome === 'closed' || outcome === 'no connection') await sleep(DEATH_NOTICE_MS);
      if (outcome === 'cut off' && this.#subject.died() === undefined) continue;
      return this.#judgeInfer(fuzzed, outcome);
    }
  }

  #portOf({ plane }: FuzzCase): number {
    return plane === 'admin' ? this.#subject.adminPort : this.#subject.port;
  }

  #next(): FuzzCase | undefined {
    if (this.#run.signal.aborted) return undefined;
    const { value } = this.#run.cases.next();
    if (value === undefined) return undefined;
    this.#latest.push(value);
    if (this.#latest.length > 64) this.#latest.shift();
    return value;
  }

  #judgeRaw(fuzzed: FuzzCase, { answers, end }: RawOutcome): void {
    for (const answer of answers) this.#judge(fuzzed, answer);
    const outcome = answers.map(outcomeOf).join(' | ').slice(0, 200);
    this.#tally.ended(this.#run.kind, `${outcome}${end === 'closed' ? '' : ` ${end}`}`);
    if (end === 'silent') this.doubts.push(this.#doubt(fuzzed, 'hang'));
  }

  #judgeInfer(fuzzed: FuzzCase, outcome: InferOutcome): void {
    if (typeof outcome === 'object') {
      this.#judge(fuzzed, outcome);
      this.#tally.ended(this.#run.kind, outcomeOf(outcome));
      return;
    }
    this.#tally.ended(this.#run.kind, outcome);
    if (outcome === 'silent') this.doubts.push(this.#doubt(fuzzed, 'hang'));
    else if (outcome === 'closed') this.doubts.push(this.#doubt(fuzzed, 'no answer'));
  }

  #judge(fuzzed: FuzzCase, answer: Answer): void {
    const trouble = troubleOf(fuzzed, answer);
    if (trouble !== undefined)
      this.#tally.found({ trouble, case: fuzzed, detail: `${answer.status} ${answer.text.slice(0, 300)}` });
  }

  /** A finding only when it comes true again, alone: a busy machine is late too. */
  async #doubt(fuzzed: FuzzCase, trouble: 'hang' | 'no answer'): Promise<void> {
    for (let time = 0; time < CONFIRMATIONS; time++) {
      if (this.#subject.died() !== undefined) return;
      if ((await this.#alone(fuzzed)) === undefined) return;
    }
    this.#tally.found({ trouble, case: fuzzed, detail: 'alone, on a connection of its own, too' });
  }

  /** Undefined: answered. */
  async #alone(fuzzed: FuzzCase): Promise<'silent' | 'closed' | undefined> {
    if (this.#run.kind === 'http') {
      return (await exchangeRaw(this.#portOf(fuzzed), fuzzed.bytes)).end === 'silent' ? 'silent' : undefined;
    }
    const connection = new InferConnection(this.#subject.port);
    const outcome = await connection.ask(fuzzed.bytes);
    connection.close();
    return outcome === 'silent' || outcome === 'closed' ? outcome : undefined;
  }

  /** Returns at once while the server lives. */
  async #recovered(fuzzed: FuzzCase): Promise<void> {
    if (this.#subject.died() === undefined && this.#recovery === undefined) return;
    this.#suspects.push(fuzzed);
    this.#recovery ??= this.#recover();
    await this.#recovery;
  }

  async #recover(): Promise<void> {
    // Until every lane has told of the case that it had.
    await sleep(2 * DEATH_NOTICE_MS);
    const how = this.#subject.died() ?? 'gone';
    await this.#subject.restart();
    const suspects = this.#suspects.splice(0);
    let isExplained = false;
    for (const suspect of suspects) {
      await this.#alone(suspect);
      await sleep(DEATH_NOTICE_MS);
      const again = this.#subject.died();
      if (again === undefined) continue;
      isExplained = true;
      this.#tally.found({ trouble: 'crash', case: suspect, detail: again });
      await this.#subject.restart();
    }
    const [first] = suspects;
    if (!isExplained && first !== undefined)
      this.#tally.found({ trouble: 'crash', case: first, detail: `one of ${suspects.length}: ${how}` });
    this.#recovery = undefined;
  }

  /** A worker that is another than before has died meanwhile. */
  async watchWorkers(): Promise<void> {
    let before: readonly number[] = [];
    for (;;) {
      const now = await this.#subject.workers().catch(() => undefined);
      const lost = before.filter(pid => now?.includes(pid) === false);
      const fuzzed = this.#latest[0];
      if (
        lost.length > 0 &&
        fuzzed !== undefined &&
        this.#subject.died() === undefined &&
        this.#recovery === undefined
      )
        this.#tally.found({ trouble: 'crash', case: fuzzed, detail: 'a worker died soon after this case' });
      before = this.#recovery === undefined ? (now ?? []) : [];
      if (this.isOver) return;
      await sleep(WORKERS_EVERY_MS);
    }
  }
}
