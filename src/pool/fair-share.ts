/** Which waiting version runs next: the decision alone, without state or time. */

/** Instances of one version on one worker. */
export interface Seats {
  readonly device: string;
  /** Permits of the device one run takes: the threads it computes with. */
  readonly weight: number;
  readonly total: number;
  /** Of them, those that may run at once; absent: all. */
  limit?: number;
  inUse: number;
  /** How many times as long as its peers its runs take; absent: as long. */
  pace?: number;
  /** False while the worker cannot run this version. */
  open: boolean;
}

export interface Contender {
  /** Engine time consumed, ms, on the scheduler's virtual clock. */
  readonly virtualMs: number;
  readonly seats: readonly Seats[];
}

export interface Choice<C extends Contender> {
  readonly contender: C;
  readonly seats: Seats;
}

/**
 * Start-time fair queueing: the contender that has consumed the least runs next, on a free instance whose device has
 * room. When the least-served contender needs more permits than its device has free, the device waits for it:
 * otherwise a many-threaded version would never find enough free at once beside a busy one-threaded version.
 */
export function chooseNext<C extends Contender>(
  contenders: Iterable<C>,
  freeOn: (device: string) => number,
  capacityOf: (device: string) => number = () => Number.POSITIVE_INFINITY,
): Choice<C> | undefined {
  // Made only when a device must wait: most decisions end before.
  let waitedFor: Set<string> | undefined;
  for (;;) {
    const choice = leastServed(contenders, freeOn, waitedFor);
    if (choice === undefined) return undefined;
    const { device, weight } = choice.seats;
    // A device may have lost permits: a run that needs more than there are takes all of them.
    if (Math.min(weight, capacityOf(device)) <= freeOn(device)) return choice;
    waitedFor ??= new Set();
    waitedFor.add(device);
  }
}

function leastServed<C extends Contender>(
  contenders: Iterable<C>,
  freeOn: (device: string) => number,
  waitedFor: ReadonlySet<string> | undefined,
): Choice<C> | undefined {
  let least: C | undefined;
  let leastSeats: Seats | undefined;
  for (const contender of contenders) {
    if (least !== undefined && contender.virtualMs >= least.virtualMs) continue;
    const seats = freestSeats(contender.seats, freeOn, waitedFor);
    if (seats === undefined) continue;
    least = contender;
    leastSeats = seats;
  }
  return least === undefined || leastSeats === undefined
    ? undefined
    : { contender: least, seats: leastSeats };
}

/** The open group that should be done first, the one with the largest free share of equally fast ones, on a device with any room. */
function freestSeats(
  groups: readonly Seats[],
  freeOn: (device: string) => number,
  waitedFor: ReadonlySet<string> | undefined,
): Seats | undefined {
  let best: Seats | undefined;
  for (const seats of groups) {
    if (!seats.open || seats.inUse >= usable(seats)) continue;
    if (waitedFor?.has(seats.device) || freeOn(seats.device) <= 0) continue;
    if (best === undefined || finish(seats) < finish(best)) best = seats;
  }
  return best;
}

export function usable({ total, limit = total }: Seats): number {
  return Math.min(total, limit);
}

/** In runs of a peer that is idle: the more run there, the longer each takes. */
function finish({ inUse, total, pace = 1 }: Seats): number {
  return pace * (1 + inUse / total);
}
