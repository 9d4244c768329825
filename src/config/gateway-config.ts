/** The gateway's configuration: defaults, under a file, under the environment, under flags. */
import { readFileSync } from 'node:fs';
import { ConfigError, type Problem } from './config-error.ts';
import { declaredOptions, environmentSettings, flagSettings } from './environment.ts';
import { type GatewayConfig, gatewaySchema } from './gateway-options.ts';
import { type Layer, mergeLayers } from './layers.ts';
import { readOptions } from './read-options.ts';
import { yamlLayer } from './yaml-layer.ts';

export interface GatewaySources {
  /** Path of a YAML file, as it is named in origins. Absent: no file. It must exist. */
  readonly file?: string;
  /** The file's text, when it has been read already. */
  readonly fileText?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `http.port` → 8080, from the command line. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

export interface LoadedGatewayConfig {
  readonly config: GatewayConfig;
  /** The path of every setting → where it came from: 'default', `config/headgate.yaml:7`, `HEADGATE_HTTP_PORT`… */
  readonly origins: ReadonlyMap<string, string>;
}

/** Loads and checks everything at once. Throws a ConfigError that lists every problem of every source. */
export function loadGatewayConfig(sources: GatewaySources): LoadedGatewayConfig {
  const problems: Problem[] = [];
  const environment = environmentSettings(gatewaySchema, sources.env ?? {});
  const flags = flagSettings(gatewaySchema, sources.overrides ?? {});
  const merged = mergeLayers([readFileLayer(sources, problems), environment.layer, flags.layer]);
  const read = readOptions(gatewaySchema, merged, sources.file ?? 'configuration');
  problems.push(...environment.problems, ...flags.problems, ...read.problems);
  if (problems.length === 0) problems.push(...brokenRules(read.value, read.origins));
  if (problems.length > 0) throw new ConfigError(problems);
  return { config: read.value, origins: read.origins };
}

const NOTHING: Layer = { value: undefined, origins: new Map() };

function readFileLayer(sources: GatewaySources, problems: Problem[]): Layer {
  try {
    return fileLayer(sources);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return NOTHING;
  }
}

function fileLayer({ file, fileText }: GatewaySources): Layer {
  if (file === undefined) return NOTHING;
  if (fileText !== undefined) return yamlLayer(fileText, file);
  try {
    return yamlLayer(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ConfigError([{ origin: file, key: '', message: `cannot be read: ${code}` }]);
  }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

function brokenRules(
  { admin, http, limits }: GatewayConfig,
  origins: ReadonlyMap<string, string>,
): Problem[] {
  const problems: Problem[] = [];
  const broken = (key: string, message: string) =>
    problems.push({ origin: origins.get(key) ?? 'default', key, message });
  if (admin.token === undefined && !LOOPBACK.test(admin.host)) {
    broken('admin.host', `expected a loopback address, or admin.token to be set, found ${admin.host}`);
  }
  if (http.port !== 0 && http.port === admin.port) {
    broken('admin.port', `expected another port than http.port, found ${admin.port}`);
  }
  if (limits.maxBodiesBytes < limits.maxBodyBytes) {
    broken('limits.maxBodiesBytes', `expected at least limits.maxBodyBytes ${limits.maxBodyBytes}`);
  }
  return problems;
}

/** The keys that differ and take effect only after a restart. */
export function keysNeedingRestart(before: GatewayConfig, after: GatewayConfig): string[] {
  return declaredOptions(gatewaySchema)
    .filter(({ schema, path }) => schema.restart === true && differ(before, after, path))
    .map(({ key }) => key);
}

function differ(before: unknown, after: unknown, path: readonly (string | number)[]): boolean {
  return JSON.stringify(valueAt(before, path)) !== JSON.stringify(valueAt(after, path));
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((map, key) => (map as Record<string | number, unknown>)[key], value);
}

/** Every setting as text with its origin, secrets hidden: what a start logs and the operator's plane shows. */
export function describeGatewayConfig({ config, origins }: LoadedGatewayConfig): {
  readonly key: string;
  readonly value: unknown;
  readonly origin: string;
}[] {
  return declaredOptions(gatewaySchema).map(({ key, path, schema }) => {
    const value = valueAt(config, path);
    const shown = schema.secret === true && value !== undefined ? '(set)' : value;
    return { key, value: shown, origin: origins.get(key) ?? firstBelow(key, origins) ?? 'default' };
  });
}

function firstBelow(key: string, origins: ReadonlyMap<string, string>): string | undefined {
  for (const [path, origin] of origins) if (path.startsWith(`${key}[`)) return origin;
  return undefined;
}
