/** What is known of each setting after some looks at it. */
import { keyOf, type Setting } from './setting.ts';
import type { Window } from './window.ts';

/** One setting's figures. */
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

/** What disturbs a window only makes it slower: the rate is the upper quartile of them, the latencies are medians. */
export function figuresOf(setting: Setting, windows: readonly Window[]): Figures {
  const latencies = windows.map(({ latenciesMs }) => [...latenciesMs].sort(ascending));
  const median = (share: number): number =>
    quantile(latencies.map(sorted => quantile(sorted, share)).sort(ascending), 0.5);
  return {
    instances: setting.instances,
    threads: setting.threads,
    batch: setting.batch,
    rowsPerSecond: quantile(windows.map(({ rowsPerSecond }) => rowsPerSecond).sort(ascending), 0.75),
    p50Ms: median(0.5),
    p99Ms: median(0.99),
    windows: windows.length,
  };
}

const ascending = (a: number, b: number): number => a - b;

/** The smallest of ascending values that at least that share does not exceed; 0 of none. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
