/** Every scenario of the fault suite, in the order it runs: one line each. Its module exports `run`. */
import type { Scenario } from './scenario.ts';

const scenario = (name: string, faults: string, about: string, load: Scenario['load']): Scenario => ({
  ...{ name, faults, about, load },
});

export const SCENARIOS: readonly Scenario[] = [
  scenario('chaos', 'R1 R2 R4', 'workers killed, crashed, hung and stopped', () => import('./chaos.ts')),
  scenario(
    'engine',
    'R1 R2 R4',
    'runs of the test engine that crash and hang',
    () => import('./engine-faults.ts'),
  ),
  scenario(
    'crash-loop',
    'R2',
    'a version that crashes its worker again and again',
    () => import('./crash-loop.ts'),
  ),
  scenario('memory', 'R3', 'workers that run out of memory', () => import('./memory.ts')),
  scenario('slow-worker', 'R5', 'one of two groups ten times slower', () => import('./slow-worker.ts')),
  scenario(
    'paused-worker',
    'R5',
    'one of two groups stopped nine tenths of the time',
    () => import('./paused-worker.ts'),
  ),
  scenario('nan', 'R6', 'NaN and infinities in outputs', () => import('./nan-outputs.ts')),
  scenario('malformed', 'R7', 'wrong requests beside good ones', () => import('./malformed-rows.ts')),
  scenario('poison', 'R8', 'inputs that make the model fail, in batches', () => import('./poison.ts')),
  scenario('bad-config', 'R9', 'invalid configuration, again and again', () => import('./bad-config.ts')),
  scenario('bad-models', 'R10', 'model files that are none', () => import('./bad-models.ts')),
  scenario('removed', 'R11', 'versions and a model deleted', () => import('./removed-versions.ts')),
  scenario('reload-storm', 'R12', 'content replaced again and again', () => import('./reload-storm.ts')),
  scenario('broken-log', 'R13', 'a log nobody reads, or whose disk is full', () => import('./broken-log.ts')),
  scenario(
    'broken-redis',
    'R14',
    'the shared cache slow, stopped, gone, poisoned',
    () => import('./broken-redis.ts'),
  ),
  scenario('leaving', 'R15', 'clients that leave on their way', () => import('./leaving-clients.ts')),
  scenario(
    'overload',
    'R22',
    'three and ten times what can be done, some of it urgent',
    () => import('./overload.ts'),
  ),
  scenario('clock', 'R19', 'a wall clock that jumps', () => import('./clock-jumps.ts')),
  scenario('sigterm', 'R20 R21', 'SIGTERM and SIGKILL under callers at work', () => import('./sigterm.ts')),
  scenario(
    'breaker',
    'R23',
    'a version that fails always, often, sometimes',
    () => import('./breaker-trips.ts'),
  ),
  scenario('descriptors', 'R25', '64 descriptors, and 200 clients', () => import('./few-descriptors.ts')),
  scenario('many-models', 'R26', 'a start with many models', () => import('./many-models.ts')),
];

/** The named ones, in their own order; all without names. Throws for a name that none has. */
export function scenariosNamed(names: readonly string[] | undefined): readonly Scenario[] {
  if (names === undefined) return SCENARIOS;
  const stray = names.find(wanted => !SCENARIOS.some(({ name }) => name === wanted));
  if (stray !== undefined) throw new Error(`no scenario is named ${stray}; --list shows them`);
  return SCENARIOS.filter(({ name }) => names.includes(name));
}
