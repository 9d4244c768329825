/** What a sweep came to: the figures, who wins within which latency, and why. */
import type { Figures } from './measured.ts';
import { latencyReason, reasonsFor } from './reasons.ts';
import type { Swept } from './sweep.ts';
import { winner } from './winners.ts';

export interface TunedModel {
  readonly model: string;
  readonly version: string;
  readonly cores: number;
  /** Why it is run row by row; ''. */
  readonly notBatched: string;
  readonly slosMs: readonly number[];
}

export interface Winner {
  /** Undefined: whatever it takes. */
  readonly sloMs: number | undefined;
  /** Undefined when none holds it. */
  readonly best: Figures | undefined;
  readonly why: readonly string[];
}

export interface Outcome extends TunedModel, Swept {
  /** For throughput first, then for each latency. */
  readonly winners: readonly Winner[];
}

export function outcomeOf(model: TunedModel, swept: Swept): Outcome {
  const { figures } = swept;
  const best = winner(figures);
  const anyhow: Winner = {
    sloMs: undefined,
    best,
    why: best === undefined ? [] : reasonsFor(best, figures),
  };
  const within = model.slosMs.map((sloMs): Winner => {
    const holds = winner(figures, sloMs);
    const why = holds === undefined || best === undefined ? quickest(figures) : latencyReason(holds, best);
    return { sloMs, best: holds, why: why === '' ? [] : [why] };
  });
  return { ...model, ...swept, winners: [anyhow, ...within] };
}

function quickest(figures: readonly Figures[]): string {
  const least = Math.min(...figures.map(({ p99Ms }) => p99Ms));
  return `none holds it: the quickest takes ${least.toFixed(1)} ms`;
}
