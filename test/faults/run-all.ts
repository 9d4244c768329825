/** Runs scenarios one after the other. One that fails is a missed row, and the others run all the same. */
import type { Row } from './figures.ts';
import type { Scenario, ScenarioOptions } from './scenario.ts';

export interface ScenarioFigures {
  readonly name: string;
  readonly faults: string;
  readonly seconds: number;
  readonly rows: readonly Row[];
  readonly details?: unknown;
}

export async function runAll(
  scenarios: readonly Scenario[],
  options: ScenarioOptions,
): Promise<ScenarioFigures[]> {
  const results: ScenarioFigures[] = [];
  for (const scenario of scenarios) {
    options.progress(`${scenario.name}: ${scenario.about}`);
    results.push(await runOne(scenario, options));
  }
  return results;
}

async function runOne({ name, faults, load }: Scenario, options: ScenarioOptions): Promise<ScenarioFigures> {
  const startedAt = performance.now();
  const progress = (text: string): void => options.progress(`${name}: ${text}`);
  const result = await load()
    .then(({ run }) => run({ ...options, progress }))
    .catch((error: unknown) => ({ rows: [failed(error)] }));
  return { name, faults, seconds: Math.round((performance.now() - startedAt) / 1000), ...result };
}

function failed(error: unknown): Row {
  const value = error instanceof Error ? error.message : String(error);
  return { figure: 'run and injected', value, target: 'yes', kept: false };
}
