import type { GatewayError } from '../errors.ts';
import type { Inference } from '../inference.ts';
import { type Admission, admit, refusalOf, shedError } from './admission.ts';
import type { Backlog } from './backlog.ts';
import type { BatcherOptions } from './batcher-options.ts';
import type { Condemned } from './condemned.ts';
import { deadlineError } from './deadlines.ts';
import { gaveWayError, thoseWhoGiveWay } from './displacement.ts';
import type { Entry } from './entry.ts';
import type { Foresight } from './foresight.ts';
import { inputHash } from './input-hash.ts';
import { rowsError } from './request-rows.ts';

type Full = Exclude<Admission, 'admitted'>;

export interface EntranceParts {
  readonly backlog: Backlog;
  readonly foresight: Foresight;
  readonly condemned: Condemned;
  /** One that waits has to leave, with this error. */
  readonly evict: (entry: Entry, error: GatewayError) => void;
}

/** Whether one more request of a version may wait: for what it is, for what waits already, and for how long it would. */
export class Entrance {
  readonly #options: BatcherOptions;
  readonly #parts: EntranceParts;

  constructor(options: BatcherOptions, parts: EntranceParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Why it may not; undefined: it may, and those that had to give way for it have left. */
  refusal(inference: Inference, key: string, bytes: number, now: number): GatewayError | undefined {
    const { model, outage, maxBatchSize } = this.#options;
    const { backlog, condemned, foresight } = this.#parts;
    const out = outage?.();
    if (out !== undefined) return out;
    const misfit = rowsError(inference, maxBatchSize > 0);
    if (misfit !== undefined) return misfit;
    if (this.#isShed(inference)) return shedError(model);
    if (inference.deadline <= now) return deadlineError('before the request was queued');
    if (condemned.knowsAny(now)) {
      const refusal = condemned.refusal(inputHash(inference), now);
      if (refusal !== undefined) return refusal;
    }
    const hasNewSignature = !backlog.has(key);
    const admission = admit(backlog, { rows: inference.rows, bytes, hasNewSignature }, this.#options);
    if (admission === 'admitted') return foresight.hopeless(inference, key, now);
    return this.#displace(inference, key, bytes, admission, now);
  }

  /** The last level of several is what nobody asked to be answered before others. */
  #isShed({ priority }: Inference): boolean {
    const { pressure, priorityLevels = 1 } = this.#options;
    return priorityLevels > 1 && priority >= priorityLevels && pressure?.isOff('low-priority') === true;
  }

  #displace(
    inference: Inference,
    key: string,
    bytes: number,
    admission: Full,
    now: number,
  ): GatewayError | undefined {
    const { foresight, evict } = this.#parts;
    const { model } = this.#options;
    const retryAfterMs = foresight.retryAfterMs(now);
    const isNew =
      !this.#parts.backlog.has(key) && this.#parts.backlog.signatures >= this.#options.maxSignatures;
    const leaving = isNew ? undefined : this.#givingWay(admission, inference, bytes);
    if (leaving === undefined) return refusalOf(admission, model, this.#options, retryAfterMs);
    const hopeless = foresight.hopeless(inference, key, now);
    if (hopeless !== undefined) return hopeless;
    const error = gaveWayError(model, retryAfterMs);
    for (const entry of leaving) evict(entry, error);
    return undefined;
  }

  /** A bound on signatures is no queue in which anybody could give way. */
  #givingWay(admission: Full, { rows, priority }: Inference, bytes: number): readonly Entry[] | undefined {
    if (admission !== 'rows-full' && admission !== 'bytes-full') return undefined;
    const { backlog } = this.#parts;
    // With everybody as urgent, as usual, there is nothing to look through.
    if (backlog.rowsBefore(priority) === backlog.rows) return undefined;
    const { maxQueueRows, maxQueueBytes } = this.#options;
    const missing = {
      rows: backlog.rows + rows - maxQueueRows,
      bytes: backlog.bytes + bytes - maxQueueBytes,
    };
    return thoseWhoGiveWay(backlog.tails(), priority, missing);
  }
}
