/** What `headgate bench` was asked to do, from its arguments. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type ServerAddress, serverAddress, TargetError } from '../load/describe-model.ts';
import type { Encoding } from '../load/infer-requests.ts';
import type { Shape } from '../tensor.ts';
import { UsageError } from './command.ts';

export type BenchMode =
  | { readonly kind: 'survey' }
  | { readonly kind: 'rate'; readonly ratePerSecond: number; readonly isConstant: boolean }
  | { readonly kind: 'connections'; readonly connections: number }
  | { readonly kind: 'find'; readonly sloMs: number };

export interface BenchOptions {
  readonly server: ServerAddress;
  readonly model: string;
  readonly version: string | undefined;
  readonly mode: BenchMode;
  /** Of each measurement. */
  readonly seconds: number;
  readonly encoding: Encoding;
  readonly rows: number;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly input: string | undefined;
  readonly sloMs: number | undefined;
  readonly timeoutMs: number;
  readonly maxConnections: number;
  readonly isChecked: boolean;
  readonly output: string | undefined;
  readonly plot: string | undefined;
}

const FLAGS = {
  version: { type: 'string' },
  rate: { type: 'string' },
  constant: { type: 'boolean' },
  connections: { type: 'string' },
  find: { type: 'boolean' },
  slo: { type: 'string' },
  duration: { type: 'string' },
  json: { type: 'boolean' },
  binary: { type: 'boolean' },
  rows: { type: 'string' },
  shape: { type: 'string', multiple: true },
  input: { type: 'string' },
  header: { type: 'string', multiple: true },
  timeout: { type: 'string' },
  'max-connections': { type: 'string' },
  'no-check': { type: 'boolean' },
  output: { type: 'string' },
  plot: { type: 'string' },
} as const;

/** Each takes 17 bytes. */
const MAX_REQUESTS = 20_000_000;

/** Throws UsageError, naming the flag and what was expected. */
export function readBenchArguments(args: readonly string[]): BenchOptions {
  const { values, positionals } = parse(args);
  const [url, model, stray] = positionals;
  if (url === undefined || model === undefined)
    throw new UsageError('expected a URL and a model: headgate bench http://localhost:8000 digits');
  if (stray !== undefined) throw new UsageError(`'${stray}': expected nothing behind the URL and the model`);
  if (values.json && values.binary) throw new UsageError('--json and --binary exclude each other');
  const sloMs = number('slo', values.slo, 0.001, 3_600_000);
  const mode = readMode(values, sloMs);
  const seconds = number('duration', values.duration, 0.1, 3600) ?? 5;
  if (mode.kind === 'rate' && mode.ratePerSecond * seconds > MAX_REQUESTS)
    throw new UsageError(`--rate times --duration: expected at most ${MAX_REQUESTS} requests`);
  for (const flag of ['output', 'plot'] as const) checkFolder(flag, values[flag]);
  if (values.plot !== undefined && mode.kind !== 'survey' && mode.kind !== 'find')
    throw new UsageError('--plot draws several loads: leave out --rate and --connections');
  return {
    server: address(url, readHeaders(values.header ?? [])),
    model,
    version: values.version,
    mode,
    seconds,
    encoding: values.json || (values.input !== undefined && !values.binary) ? 'json' : 'binary',
    rows: integer('rows', values.rows, 1, 65_536) ?? 1,
    shapes: new Map((values.shape ?? []).map(readShape)),
    input: values.input,
    sloMs,
    timeoutMs: number('timeout', values.timeout, 1, 3_600_000) ?? 10_000,
    maxConnections: integer('max-connections', values['max-connections'], 1, 10_000) ?? 256,
    isChecked: values['no-check'] !== true,
    output: values.output,
    plot: values.plot,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Values = ReturnType<typeof parse>['values'];

function readMode(values: Values, sloMs: number | undefined): BenchMode {
  const chosen = (['rate', 'connections', 'find'] as const).filter(name => values[name] !== undefined);
  if (chosen.length > 1) throw new UsageError(`--${chosen.join(' and --')} exclude each other`);
  if (values.constant && values.rate === undefined) throw new UsageError('--constant belongs to --rate');
  const ratePerSecond = number('rate', values.rate, 0.01, 1_000_000);
  if (ratePerSecond !== undefined)
    return { kind: 'rate', ratePerSecond, isConstant: values.constant === true };
  const connections = integer('connections', values.connections, 1, 10_000);
  if (connections !== undefined) return { kind: 'connections', connections };
  if (!values.find) return { kind: 'survey' };
  if (sloMs === undefined)
    throw new UsageError('--find needs --slo: the milliseconds within which 99 of 100 answers should come');
  return { kind: 'find', sloMs };
}

/** Before minutes of measuring, not after. */
function checkFolder(flag: string, file: string | undefined): void {
  if (file === undefined || existsSync(path.dirname(path.resolve(file)))) return;
  throw new UsageError(`--${flag} ${file}: there is no such folder`);
}

function address(url: string, headers: Readonly<Record<string, string>>): ServerAddress {
  try {
    return serverAddress(url, headers);
  } catch (error) {
    throw error instanceof TargetError ? new UsageError(error.message) : error;
  }
}

function number(flag: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= least && value <= most))
    throw new UsageError(`--${flag} ${text}: expected a number from ${least} to ${most}`);
  return value;
}

function integer(flag: string, text: string | undefined, least: number, most: number): number | undefined {
  const value = number(flag, text, least, most);
  if (value !== undefined && !Number.isInteger(value))
    throw new UsageError(`--${flag} ${text}: expected a whole number from ${least} to ${most}`);
  return value;
}

function readShape(text: string): [string, Shape] {
  const at = text.lastIndexOf('=');
  const sizes = text.slice(at + 1).split(',');
  if (at <= 0 || !sizes.every(size => /^\d{1,9}$/.test(size)))
    throw new UsageError(`--shape ${text}: expected <input>=<sizes>, such as image=1,3,224,224`);
  return [text.slice(0, at), sizes.map(Number)];
}

function readHeaders(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map(text => {
      const found = /^([\w-]+):\s*([^\r\n]*)$/.exec(text);
      if (found === null)
        throw new UsageError(`--header ${text}: expected <name>: <value>, such as 'authorization: Bearer …'`);
      return [(found[1] as string).toLowerCase(), found[2] as string];
    }),
  );
}
