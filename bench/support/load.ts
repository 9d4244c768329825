import { Caller, CallFailed, type Reply } from './caller.ts';

/** What became of the calls: each status, and each way to get none, with its count. */
export type Outcomes = Map<string, number>;

export function count(outcomes: Outcomes, outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

export interface LoadOptions {
  readonly port: number;
  readonly callers: number;
  /** The request caller `caller` sends as its `turn`-th; undefined: it stops. */
  readonly next: (caller: number, turn: number) => Uint8Array | undefined;
  /** Judges an answer; what it throws is counted as `wrong: …`. */
  readonly check?: (reply: Reply, caller: number, turn: number) => void;
  /** Sees every answer, whatever its status. */
  readonly inspect?: (reply: Reply) => void;
  /** Called for every call that ended, with its outcome. */
  readonly onOutcome?: (outcome: string, caller: number) => void;
}

/** Closed loop: each caller sends its next request once the last has ended. Resolves when all have stopped. */
export async function load(options: LoadOptions): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  await Promise.all(Array.from({ length: options.callers }, (_, caller) => run(caller, options, outcomes)));
  return outcomes;
}

async function run(index: number, options: LoadOptions, outcomes: Outcomes): Promise<void> {
  const caller = new Caller(options.port);
  for (let turn = 0; ; turn++) {
    const request = options.next(index, turn);
    if (request === undefined) break;
    const outcome = await caller.call(request).then(
      reply => judge(reply, index, turn, options),
      (error: unknown) => describe(error),
    );
    count(outcomes, outcome);
    options.onOutcome?.(outcome, index);
  }
  caller.close();
}

function judge(reply: Reply, caller: number, turn: number, { check, inspect }: LoadOptions): string {
  inspect?.(reply);
  try {
    if (reply.status === 200) check?.(reply, caller, turn);
    return String(reply.status);
  } catch (error) {
    return `wrong: ${(error as Error).message}`;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof CallFailed)) throw error;
  return error.kind === 'refused'
    ? 'refused'
    : `lost ${error.fresh ? 'on a new connection' : 'on a kept one'}`;
}

export const total = (outcomes: Outcomes): number => [...outcomes.values()].reduce((sum, n) => sum + n, 0);

/** `200 × 1000, 503 × 2`. */
export const outcomesText = (outcomes: Outcomes): string =>
  [...outcomes].map(([outcome, n]) => `${outcome} × ${n}`).join(', ') || 'none';
