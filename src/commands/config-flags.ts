/** The flags that every command with a configuration takes, and the configuration they lead to. */
import { existsSync } from 'node:fs';
import type { ParseArgsOptionsConfig } from 'node:util';
import { declaredOptions } from '../config/environment.ts';
import { type LoadedGatewayConfig, loadGatewayConfig } from '../config/gateway-config.ts';
import { gatewaySchema } from '../config/gateway-options.ts';
import { UsageError } from './command.ts';

const DEFAULT_FILE = 'config/headgate.yaml';

export const CONFIG_FLAGS = {
  config: { type: 'string' },
  set: { type: 'string', multiple: true },
} as const satisfies ParseArgsOptionsConfig;

export interface ConfigFlags {
  readonly config?: string | undefined;
  readonly set?: readonly string[] | undefined;
}

/** Defaults, under the file, under `HEADGATE_*`, under `--set`. Throws ConfigError or UsageError. */
export function readConfig(
  flags: ConfigFlags,
  overrides: Readonly<Record<string, unknown>> = {},
): LoadedGatewayConfig {
  const file =
    flags.config ?? process.env['HEADGATE_CONFIG'] ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  return loadGatewayConfig({
    ...(file === undefined ? {} : { file }),
    env: process.env,
    overrides: { ...overrides, ...settings(flags.set ?? []) },
  });
}

function settings(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map(text => {
      const at = text.indexOf('=');
      if (at <= 0) throw new UsageError(`--set ${text}: expected <option>=<value>, such as http.port=8080`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** The part of `--help` about configuration: every option with its default, as it is declared. */
export function configHelp(): string {
  const options = declaredOptions(gatewaySchema);
  const width = Math.max(...options.map(({ key }) => key.length));
  const lines = options.map(({ key, schema }) => {
    const fallback = schema.default === undefined ? '' : ` [${String(schema.default)}]`;
    return `  ${key.padEnd(width)}  ${schema.description ?? ''}${fallback}`;
  });
  return `Options:
  --config <file>          configuration file [${DEFAULT_FILE}, when there is one]
  --set <option>=<value>   sets one option, over the file and the environment; may be repeated
  --help                   prints this

Configuration, each also as HEADGATE_<OPTION> (http.port is HEADGATE_HTTP_PORT):
${lines.join('\n')}
`;
}
