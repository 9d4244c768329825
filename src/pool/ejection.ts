/**
 * Leaves out a group of instances that has become much slower than its peers, of the same version and kind, and lets it
 * back once its sample runs as fast as theirs. Looks after runs, a second apart: a version that is idle costs nothing.
 */
import type { Events } from '../events.ts';
import type { HostedVersion } from './hosted-version.ts';
import { mayEject, mayReturn, median, minHealthy, paceOf, SLOW } from './pace.ts';

const SWEEP_MS = 1000;
const FIRST_PROBE_MS = 5000;
const MAX_PROBE_MS = 300_000;
/** Of a probe. */
const PROBE_RUNS = 3;

interface Out {
  timer: NodeJS.Timeout | undefined;
  probes: number;
}

export class Ejection {
  readonly #groups: readonly HostedVersion[];
  readonly #events: Events;
  readonly #slowSweeps = new Map<HostedVersion, number>();
  readonly #out = new Map<HostedVersion, Out>();
  #sweptAtMs = 0;

  constructor(groups: readonly HostedVersion[], events: Events) {
    this.#groups = groups;
    this.#events = events;
    if (groups.length < 2) return;
    for (const group of groups) {
      group.ran = () => this.#ran();
      group.becameUnable = () => this.#keepEnough();
    }
  }

  /** No more probes. */
  stop(): void {
    for (const { timer } of this.#out.values()) clearTimeout(timer);
    this.#out.clear();
  }

  #ran(): void {
    const nowMs = performance.now();
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = nowMs;
    for (const group of this.#groups) this.#weigh(group);
  }

  #weigh(group: HostedVersion): void {
    const { times } = group;
    if (times.fresh.size === 0 || group.isEjected) return;
    group.pace = paceOf(
      times.means,
      this.#peersOf(group).map(peer => peer.times.means),
      times.fresh,
    );
    times.fresh.clear();
    const slow = group.pace > SLOW ? (this.#slowSweeps.get(group) ?? 0) + 1 : 0;
    this.#slowSweeps.set(group, slow);
    if (mayEject(slow, this.#serving, this.#groups.length)) this.#eject(group);
  }

  #peersOf(group: HostedVersion): readonly HostedVersion[] {
    return this.#groups.filter(peer => peer !== group && peer.kind === group.kind && !peer.isEjected);
  }

  get #serving(): number {
    return this.#groups.filter(({ open }) => open).length;
  }

  #eject(group: HostedVersion): void {
    group.isEjected = true;
    const out = { timer: undefined, probes: 0 };
    this.#out.set(group, out);
    this.#say(group, `its runs take ${group.pace.toFixed(1)} times as long as its peers'`);
    this.#probeLater(group, out);
  }

  #probeLater(group: HostedVersion, out: Out): void {
    const waitMs = Math.min(MAX_PROBE_MS, FIRST_PROBE_MS * 2 ** out.probes++);
    out.timer = setTimeout(() => void this.#probe(group, out), waitMs).unref();
  }

  async #probe(group: HostedVersion, out: Out): Promise<void> {
    const usualMs = median(
      this.#peersOf(group).flatMap(({ warmUp }) => warmUp[0]?.fastest?.roundTripMs ?? []),
    );
    const tookMs: number[] = [];
    try {
      for (let run = 0; run < PROBE_RUNS; run++) tookMs.push(await group.timeSample());
    } catch {
      // It cannot run at all just now.
      tookMs.push(Number.POSITIVE_INFINITY);
    }
    if (this.#out.get(group) !== out) return;
    if (mayReturn(tookMs, usualMs)) this.#readmit(group);
    else this.#probeLater(group, out);
  }

  #readmit(group: HostedVersion): void {
    clearTimeout(this.#out.get(group)?.timer);
    this.#out.delete(group);
    this.#slowSweeps.delete(group);
    group.times.clear();
    group.pace = 1;
    group.isEjected = false;
    group.wake();
    this.#say(group, '');
  }

  /** Others are unable now: too few are left for anybody to be left out. */
  #keepEnough(): void {
    for (const group of this.#out.keys()) {
      if (this.#serving < minHealthy(this.#groups.length)) this.#readmit(group);
    }
  }

  #say({ model, version, worker }: HostedVersion, reason: string): void {
    this.#events.emit('ejection:changed', { model, version, worker, ejected: reason !== '', reason });
  }
}
