/** What is known of each setting after some looks at it. */
import { keyOf, type Setting } from './setting.ts';
import type { Window } from './window.ts';

/** One setting's figures. Rates are medians over windows: a noisy moment moves one of them. */
export interface Figures extends Setting {
  readonly rowsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly windows: number;
}

/** The windows of every setting tried, in the order they were first tried. */
export class Measurements {
  readonly #windows = new Map<string, { readonly setting: Setting; readonly windows: Window[] }>();

  note(setting: Setting, window: Window): void {
    const key = `${keyOf(setting)}×${setting.batch}`;
    const known = this.#windows.get(key) ?? { setting, windows: [] };
    known.windows.push(window);
    this.#windows.set(key, known);
  }

  figures(): Figures[] {
    return [...this.#windows.values()].map(({ setting, windows }) => figuresOf(setting, windows));
  }
}

export function figuresOf(setting: Setting, windows: readonly Window[]): Figures {
  const latencies = windows.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  return {
    instances: setting.instances,
    threads: setting.threads,
    batch: setting.batch,
    rowsPerSecond: median(windows.map(({ rowsPerSecond }) => rowsPerSecond)),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    windows: windows.length,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? 0;
}
