/** The trials that decide whether a breaker closes, or opens: nobody's calls. */
export interface Trials {
  /** Decides whether it closes. */
  readonly trial: () => Promise<unknown>;
  /** So many, one after the other, must succeed; absent: one. */
  readonly trials?: number;
  /** A trial that takes longer has failed, ms; absent: a minute. */
  readonly trialLimitMs?: number;
}

/** Makes them, up to the first that fails. Never rejects. */
export async function passes({ trial, trials = 1, trialLimitMs = 60_000 }: Trials): Promise<boolean> {
  try {
    for (let i = 0; i < trials; i++) await within(trialLimitMs, trial());
    return true;
  } catch {
    return false;
  }
}

async function within(ms: number, trial: Promise<unknown>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('the trial takes too long')), ms);
  timer.unref();
  try {
    await Promise.race([trial, promise]);
  } finally {
    clearTimeout(timer);
  }
}
