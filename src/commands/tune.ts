/** `headgate tune`: which instances, threads and batch size serve a model best on this machine. */
import { writeFile } from 'node:fs/promises';
import { loadGatewayConfig } from '../config/gateway-config.ts';
import type { GatewayConfig } from '../config/gateway-options.ts';
import { GatewayError } from '../errors.ts';
import { createEvents } from '../events.ts';
import { Pool } from '../pool/pool.ts';
import type { CatalogSpec } from '../repository/catalog-entry.ts';
import { type Outcome, outcomeOf } from '../tune/outcome.ts';
import { batchesFor, layoutName, layoutsFor } from '../tune/setting.ts';
import { Sweep } from '../tune/sweep.ts';
import { type Command, readFlags, UsageError } from './command.ts';
import { CONFIG_FLAGS, configHelp, configSources } from './config-flags.ts';
import { durationMs, positiveNumber } from './duration.ts';
import { lineDiff } from './line-diff.ts';
import { fits, fitTogether, layoutOpener, probe } from './tune-open.ts';
import { tunePlot } from './tune-plot.ts';
import { Meter } from './tune-progress.ts';
import { settingsOf, tuneJson, tuneReport } from './tune-report.ts';
import { editedConfig, replaceConfig, TuneError, tuneTarget, writableConfig } from './tune-target.ts';

const FLAGS = {
  ...CONFIG_FLAGS,
  repository: { type: 'string' },
  version: { type: 'string' },
  budget: { type: 'string' },
  slo: { type: 'string' },
  write: { type: 'boolean' },
  json: { type: 'boolean' },
  plot: { type: 'string' },
} as const;

export const tuneCommand: Command = {
  name: 'tune',
  summary: 'find the instances, threads and batch size that serve a model best on this machine',
  help: () => `Usage: headgate tune <model> [options]

Runs the model in every layout of instances and threads that the cores have room for, with every batch size, each kept
busy back to back, and says which carries most, within which latency, and why. Nothing else should run meanwhile.

  --budget <time>          how long it may take [60s]
  --slo <ms>               the p99 that a batch must hold; without it 10, 25, 50 and 100 ms are shown
  --write                  puts the winner into the model's config.yaml, keeping everything else it says
  --version <number>       version to run [the one that answers by default]
  --json                   the figures as JSON
  --plot <file.svg>        draws rows per second against p99
  --repository <folder>    models folder, as repository
${configHelp()}`,
  run: async args => {
    const [model, ...rest] = args;
    if (model === undefined || model.startsWith('-'))
      throw new UsageError('headgate tune <model>: which model?');
    const options = readOptions(model, rest);
    try {
      return await tune(options);
    } catch (error) {
      if (!(error instanceof GatewayError || error instanceof TuneError)) throw error;
      process.stderr.write(`headgate: ${model} cannot be tuned: ${error.message}\n`);
      return 1;
    }
  },
};

interface TuneOptions {
  readonly model: string;
  readonly version: string | undefined;
  readonly config: GatewayConfig;
  readonly budgetMs: number;
  readonly sloMs: number | undefined;
  readonly write: boolean;
  readonly json: boolean;
  readonly plot: string | undefined;
}

function readOptions(model: string, args: readonly string[]): TuneOptions {
  const { repository, version, budget, slo, write, json, plot, ...flags } = readFlags(args, FLAGS);
  const overrides = repository === undefined ? {} : { repository };
  return {
    model,
    version,
    config: loadGatewayConfig(configSources(flags, overrides)).config,
    budgetMs: durationMs('--budget', budget ?? '60s'),
    sloMs: slo === undefined ? undefined : positiveNumber('--slo', slo),
    write: write ?? false,
    json: json ?? false,
    plot,
  };
}

async function tune(options: TuneOptions): Promise<number> {
  const { repository } = options.config;
  const spec = await tuneTarget(repository, options.model, options.version);
  // Before a minute of measuring, not after it.
  const file = options.write ? await writableConfig(repository, options.model) : undefined;
  const outcome = await measure(options, spec);
  if (options.json) process.stdout.write(`${JSON.stringify(tuneJson(outcome), null, 2)}\n`);
  else process.stdout.write(tuneReport(outcome, options.sloMs));
  if (options.plot !== undefined) await writeFile(options.plot, tunePlot(outcome));
  if (file !== undefined) await writeWinner(file, outcome, options);
  return 0;
}

async function measure(options: TuneOptions, spec: CatalogSpec): Promise<Outcome> {
  const cores = options.config.workers.cpuCores;
  const meter = new Meter(process.stderr);
  const pool = new Pool({ cores, niceness: options.config.workers.nice }, createEvents());
  const ended = new AbortController();
  const interrupt = (): void => ended.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    meter.show({ share: 0, leftMs: options.budgetMs, doing: `loading ${spec.model} ${spec.version}` });
    await pool.start();
    const probed = await probe(pool, spec);
    const { layouts = [], tooLarge = [] } = Object.groupBy(layoutsFor(cores), layout =>
      fits(layout, probed.instanceBytes) ? 'layouts' : 'tooLarge',
    );
    const { allowedBatchSizes } = spec.config.batching;
    const notBatched = probed.maxBatchSize > 0 ? '' : probed.verification;
    const slosMs = options.sloMs === undefined ? [10, 25, 50, 100] : [options.sloMs];
    const sweep = new Sweep({
      layouts,
      batches: notBatched === '' ? batchesFor(allowedBatchSizes, probed.rowBytes) : [1],
      slosMs,
      budgetMs: options.budgetMs,
      open: layoutOpener(pool, spec, probed),
      keepOpen: fitTogether(layouts, probed.instanceBytes),
      now: () => performance.now(),
      onProgress: progress => meter.show(progress),
      signal: ended.signal,
    });
    const swept = await sweep.run();
    meter.clear();
    const left = [
      ...tooLarge.map(layout => `${layoutName(layout)}: not enough memory is free`),
      ...swept.left,
    ];
    return outcomeOf(
      { model: spec.model, version: spec.version, cores, notBatched, slosMs },
      { ...swept, left },
    );
  } finally {
    meter.clear();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await pool.close();
  }
}

async function writeWinner(file: string, outcome: Outcome, { sloMs, json }: TuneOptions): Promise<void> {
  const changes = settingsOf(outcome, sloMs);
  if (changes === undefined) throw new TuneError(`no setting holds ${sloMs} ms; nothing is written`);
  const { before, after } = await editedConfig(file, changes);
  await replaceConfig(file, after);
  const diff = before === after ? `${file} says so already\n` : `${file}:\n${lineDiff(before, after)}`;
  (json ? process.stderr : process.stdout).write(`\n${diff}`);
}
