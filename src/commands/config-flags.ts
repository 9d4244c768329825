/** The flags that every command with a configuration takes, and the configuration they lead to. */
import { existsSync, readFileSync } from 'node:fs';
import type { ParseArgsOptionsConfig } from 'node:util';
import { declaredOptions } from '../config/environment.ts';
import type { GatewaySources } from '../config/gateway-config.ts';
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

/** Where the configuration comes from: the file, under `HEADGATE_*`, under `--set`. Throws UsageError. */
export function configSources(
  flags: ConfigFlags,
  overrides: Readonly<Record<string, unknown>> = {},
): GatewaySources {
  const file =
    flags.config ?? process.env['HEADGATE_CONFIG'] ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  return {
    ...(file === undefined ? {} : fileSource(file)),
    env: process.env,
    overrides: { ...overrides, ...settings(flags.set ?? []) },
  };
}

/** With its text, so that a later change is told from what was loaded; a file that cannot be read is loading's to refuse. */
function fileSource(file: string): GatewaySources {
  try {
    return { file, fileText: readFileSync(file, 'utf8') };
  } catch {
    return { file };
  }
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
