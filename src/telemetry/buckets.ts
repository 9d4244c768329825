/**
 * Histograms counted in plain arrays. Measured on Node 26: prom-client's `observe` with two labels takes 550 ns and
 * its `inc` with four 380 ns, 2 µs for what one request needs; one `request:done` counted here takes 100 ns. Their
 * text is written here too: prom-client's takes 23 ms in one stretch for 500 versions.
 */

/** Counts of values by upper bound, and their sum. */
export class Buckets {
  readonly bounds: readonly number[];
  /** One more than the bounds: the last counts what is above them all. Not cumulative. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.bounds;
    let i = 0;
    while (i < bounds.length && value > (bounds[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += value;
  }
}

export type Labels = Readonly<Record<string, string>>;

/** A histogram of one metric, as it is to be scraped. */
export interface HistogramSource {
  readonly name: string;
  readonly help: string;
  readonly series: () => Iterable<{ readonly labels: Labels; readonly buckets: Buckets }>;
}

/** The metric in Prometheus' text format, in pieces of one label set each (18 lines, 10 µs). */
export function* histogramText({ name, help, series }: HistogramSource): Generator<string> {
  yield `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`;
  for (const { labels, buckets } of series()) yield seriesText(name, labelText(labels), buckets);
}

function seriesText(name: string, labels: string, { bounds, counts, sum }: Buckets): string {
  let text = '';
  let count = 0;
  for (let i = 0; i < counts.length; i++) {
    count += counts[i] as number;
    text += `${name}_bucket{${labels},le="${bounds[i] ?? '+Inf'}"} ${count}\n`;
  }
  return `${text}${name}_sum{${labels}} ${sum}\n${name}_count{${labels}} ${count}\n`;
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
