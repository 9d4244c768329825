/** A gateway that is told to leave, or killed, while keep-alive callers that never retry are at work. */
import { type Dirent, readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { startHeadgate } from './headgate.ts';
import { load, type Outcomes } from './load.ts';
import { inferPath, inferRequest, readAnswer } from './oip.ts';
import { isStillRunning, processTree } from './process-tree.ts';

const CALLERS = 32;
const GONE_WITHIN_MS = 5000;
const FEED = [{ name: 'x', shape: [1, 4], values: Float32Array.of(1, 2, 3, 4) }];

export interface LeavingRound {
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
  readonly tookMs: number;
  readonly outcomes: Outcomes;
  /** Commands of processes that outlived it: of any after SIGTERM, of those still there after 5 s after SIGKILL. */
  readonly orphans: readonly string[];
  /** Sockets that it left; after SIGTERM also folders of them. */
  readonly sockets: number;
}

/** `repository` holds a model that answers `x` FP32 [1, 4] with itself; `folder` is the same in all rounds. */
export async function leavingRound(
  signal: 'SIGTERM' | 'SIGKILL',
  { model, repository, folder }: { model: string; repository: string; folder: string },
  afterMs: number,
): Promise<LeavingRound> {
  const server = await startHeadgate(repository, folder, { log: { level: 'warn' } });
  const working = callUntilItLeaves(server.port, model);
  await wait(afterMs);
  const tree = processTree(server.pid);
  const at = performance.now();
  server.signal(signal);
  const exit = await server.exited;
  const tookMs = performance.now() - at;
  const outcomes = await working;
  const goneBy = performance.now() + GONE_WITHIN_MS;
  while (signal === 'SIGKILL' && tree.some(isStillRunning) && performance.now() < goneBy) await wait(20);
  const orphans = tree.filter(isStillRunning).map(info => info.command);
  // The folder of a killed one is cleared away by a start that comes a minute later.
  const sockets = leftIn(folder).filter(entry => signal === 'SIGTERM' || entry.isSocket()).length;
  return { exit, tookMs, outcomes, orphans, sockets };
}

function callUntilItLeaves(port: number, model: string): Promise<Outcomes> {
  const requests = (['json', 'binary'] as const).map(encoding =>
    inferRequest(inferPath(model), FEED, encoding),
  );
  const stopped = new Set<number>();
  return load({
    port,
    callers: CALLERS,
    next: (caller, turn) => (stopped.has(caller) ? undefined : requests[(caller + turn) % 2]),
    check: reply => {
      if (readAnswer(reply).get('y')?.map(Number).join() !== '1,2,3,4') throw new Error('not what was sent');
    },
    onOutcome: (outcome, caller) => {
      if (outcome === 'refused' || outcome.startsWith('lost')) stopped.add(caller);
    },
  });
}

/** Sockets, and the folders made for them, below the servers' temporary folder. */
function leftIn(folder: string): Dirent[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    entry => entry.isSocket() || /^headgate-\d+-/.test(entry.name),
  );
}

/** What callers saw in all rounds. */
export function allOutcomes(rounds: readonly LeavingRound[]): Outcomes {
  const all: Outcomes = new Map();
  for (const { outcomes } of rounds)
    for (const [outcome, n] of outcomes) all.set(outcome, (all.get(outcome) ?? 0) + n);
  return all;
}
