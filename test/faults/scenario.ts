/** What a scenario of the fault suite is: it injects faults into a gateway under load and gives figures. */
import type { Row } from './figures.ts';

export interface ScenarioOptions {
  /** Minutes for the whole suite instead of an hour: fewer of everything. */
  readonly short: boolean;
  /** Of arrivals and of what is drawn. */
  readonly seed: number;
  /** Length of its load, where one was asked for; only chaos and overload have one that their faults do not set. */
  readonly seconds?: number | undefined;
  /** Hears what is under way. */
  readonly progress: (text: string) => void;
}

export interface ScenarioResult {
  readonly rows: readonly Row[];
  /** Whatever explains the rows; written to the JSON file as it is. */
  readonly details?: unknown;
}

/** Rejects when its faults did not really happen while requests were in flight: then there are no figures. */
export type RunScenario = (options: ScenarioOptions) => Promise<ScenarioResult>;

export interface Scenario {
  readonly name: string;
  /** The faults it injects, as test/faults/README.md numbers them. */
  readonly faults: string;
  readonly about: string;
  readonly load: () => Promise<{ readonly run: RunScenario }>;
}
