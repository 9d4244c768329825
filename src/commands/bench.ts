/** `headgate bench`: sends load to a running server's model, judges the answers, and says what it means. */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type DescribedModel, describeModel, TargetError } from '../load/describe-model.ts';
import { ModelLoad } from '../load/model-load.ts';
import { plotSvg } from '../load/plot-svg.ts';
import { differenceOf } from '../pool/compare-outputs.ts';
import { VERSION } from '../version.ts';
import { type BenchOptions, readBenchArguments } from './bench-flags.ts';
import { BENCH_HELP } from './bench-help.ts';
import type { Measurement } from './bench-measurement.ts';
import { BenchProgress } from './bench-progress.ts';
import { benchReport, latencyChart, throughputChart } from './bench-report.ts';
import { type BenchRequests, benchRequests } from './bench-requests.ts';
import { runBench } from './bench-runs.ts';
import { ms } from './bench-units.ts';
import { type BenchSummary, hasFailed } from './bench-verdicts.ts';
import type { Command } from './command.ts';

export const benchCommand: Command = {
  name: 'bench',
  summary: 'send load to a model, check its answers, and say how much it takes and how long it takes',
  help: () => BENCH_HELP,
  run: async args => {
    const options = readBenchArguments(args);
    try {
      return await bench(options);
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      process.stderr.write(`headgate: ${error.message}\n`);
      return 1;
    }
  },
};

async function bench(options: BenchOptions): Promise<number> {
  const { server, model, version, mode, seconds, maxConnections } = options;
  const stop = new AbortController();
  const onInterrupt = () => stop.abort(new Interrupted());
  const progress = new BenchProgress(process.stderr);
  const measurements: Measurement[] = [];
  const described = await describeModel(server, model, version);
  const sent = benchRequests(options, described);
  process.once('SIGINT', onInterrupt);
  try {
    progress.step('sending each request alone, twice');
    const load = await prepare(options, sent, stop.signal);
    progress.done();
    process.stdout.write(introduction(options, described, sent, load));
    const runs = { load, seconds, maxConnections, progress, measurements };
    const found = await runBench(runs, mode).catch(swallowInterruption);
    progress.done();
    const summary = summarise(options, sent, load, measurements, found);
    process.stdout.write(
      measurements.length === 0 ? 'stopped before anything was measured\n' : benchReport(summary),
    );
    write(options, sent, summary);
    return stop.signal.aborted || hasFailed(summary) ? 1 : 0;
  } finally {
    progress.done();
    process.off('SIGINT', onInterrupt);
  }
}

/** What was measured until then is still reported. */
class Interrupted extends Error {}

function swallowInterruption(error: unknown): undefined {
  if (!(error instanceof Interrupted)) throw error;
}

async function prepare(
  options: BenchOptions,
  { requests }: BenchRequests,
  signal: AbortSignal,
): Promise<ModelLoad> {
  const { server, timeoutMs, maxConnections, isChecked } = options;
  return ModelLoad.prepare({
    ...{ server, requests, timeoutMs, maxConnections, signal },
    differenceOf: isChecked ? differenceOf : undefined,
  });
}

function introduction(
  options: BenchOptions,
  model: DescribedModel,
  sent: BenchRequests,
  load: ModelLoad,
): string {
  const version = model.version === undefined ? '' : ` version ${model.version}`;
  return (
    `${model.name}${version} at ${options.server.url}, ${options.encoding}: ${sent.description}\n` +
    `One request alone takes ${ms(load.aloneMs)}.\n\n`
  );
}

function summarise(
  options: BenchOptions,
  { rows }: BenchRequests,
  { isChecked, aloneMs }: ModelLoad,
  measurements: readonly Measurement[],
  found: number | undefined,
): BenchSummary {
  const { mode, sloMs, isChecked: wantedCheck } = options;
  return {
    mode,
    measurements,
    rows,
    sloMs,
    isChecked,
    wantedCheck,
    aloneMs,
    found,
    cores: availableParallelism(),
  };
}

function write(
  { server, model, version, encoding, output, plot }: BenchOptions,
  sent: BenchRequests,
  summary: BenchSummary,
) {
  const measuredAt = new Date().toISOString();
  if (output !== undefined) {
    const target = {
      url: server.url,
      model,
      version,
      encoding,
      inputs: sent.description,
      rowsPerRequest: sent.rows,
    };
    const machine = {
      cores: summary.cores,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    };
    const { mode, isChecked, aloneMs, found, sloMs, measurements } = summary;
    const result = {
      headgate: VERSION,
      measuredAt,
      target,
      machine,
      mode,
      sloMs,
      isChecked,
      aloneMs,
      found,
      measurements,
    };
    writeFileSync(output, `${JSON.stringify(result, null, 2)}\n`);
    process.stderr.write(`results: ${output}\n`);
  }
  if (plot !== undefined) {
    const subtitle = `${server.url}, ${encoding}, ${measuredAt.slice(0, 16).replace('T', ' ')} UTC, ${summary.cores} cores`;
    writeFileSync(
      plot,
      plotSvg(`${model} under load`, subtitle, [throughputChart(summary), latencyChart(summary)]),
    );
    process.stderr.write(`plot: ${plot}\n`);
  }
}
