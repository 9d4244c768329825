/**
 * How many cores models may compute on. The gateway's own event loop needs one when it is busy: a batch that computes
 * in its place only makes the next batches smaller. On two cores under 128 connections of small requests, one batch at
 * a time carried 63 rows instead of 37.
 */
import type { Scheduler } from './scheduler.ts';

/**
 * Share of a core at which the gateway gets one to itself, and below which it gives it back. From 0.5 to 0.3 it kept one
 * that it had no use for, once a thousand connections at once had made it take it: on two cores a model that carried
 * 7,500 rows a second carried 5,200 then, and a queue of a second took ten to work off.
 */
const TAKE_AT = 0.7;
const GIVE_BACK_AT = 0.5;
const SAMPLE_MS = 200;
/** Weight of the newest sample: what is over within a second is no reason to take a core. */
const SMOOTHING = 0.2;

/** Cores for models, at least one: all, or one less while the gateway is busy. `kept`: whether it has one now. */
export function coresForModels(cores: number, gatewayShare: number, kept: boolean): number {
  const keeps = gatewayShare > (kept ? GIVE_BACK_AT : TAKE_AT);
  return Math.max(1, keeps ? cores - 1 : cores);
}

/** Sets the CPU's permits by what this process consumes, several times a second, from `start` to `stop`. */
export class CoreBudget {
  readonly #cores: number;
  readonly #scheduler: Scheduler;
  #timer: NodeJS.Timeout | undefined;
  #lastUsageUs = 0;
  #lastMs = 0;
  #share = 0;

  constructor(cores: number, scheduler: Scheduler) {
    this.#cores = cores;
    this.#scheduler = scheduler;
  }

  start(): void {
    if (this.#cores === 1) return;
    [this.#lastUsageUs, this.#lastMs] = [usageUs(), performance.now()];
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const [us, ms] = [usageUs(), performance.now()];
    const share = (us - this.#lastUsageUs) / 1000 / (ms - this.#lastMs);
    [this.#lastUsageUs, this.#lastMs] = [us, ms];
    this.#share += SMOOTHING * (share - this.#share);
    const now = this.#scheduler.capacity('cpu');
    const next = coresForModels(this.#cores, this.#share, now < this.#cores);
    if (next !== now) this.#scheduler.setCapacity('cpu', next);
  }
}

function usageUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
