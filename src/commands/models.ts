/** `headgate models`: what is loaded, asked of the running gateway; what is on disk, when none runs. */
import type { ModelRow } from '../admin/service.ts';
import { loadGatewayConfig } from '../config/gateway-config.ts';
import type { GatewayConfig } from '../config/gateway-options.ts';
import { settingsOf } from '../operator-tables.ts';
import type { RepositoryModel } from '../repository/repository-snapshot.ts';
import { scanRepository } from '../repository/scan.ts';
import { type Command, readFlags } from './command.ts';
import { CONFIG_FLAGS, configHelp, configSources } from './config-flags.ts';
import { modelsTable, settingsTable } from './models-table.ts';

const FLAGS = {
  ...CONFIG_FLAGS,
  verbose: { type: 'boolean', short: 'v' },
  json: { type: 'boolean' },
} as const;

export const modelsCommand: Command = {
  name: 'models',
  summary: 'list models and versions: state, batching, instances, memory, and where each setting comes from',
  help: () => `Usage: headgate models [options]

Asks the running gateway's admin plane. When none answers there, lists what the models folder holds.

  -v, --verbose            the settings that nobody gave as well, with their defaults
  --json                   the rows as JSON
${configHelp()}`,
  run: async args => {
    const { verbose = false, json = false, ...flags } = readFlags(args, FLAGS);
    const { config } = loadGatewayConfig(configSources(flags));
    const running = await askGateway(config);
    const rows = running ?? (await rowsOnDisk(config.repository));
    if (json) {
      process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      return 0;
    }
    if (running === undefined) {
      process.stdout.write(
        `No gateway answers at ${adminUrl(config)} (headgate serve starts one); on disk in ${config.repository}:\n\n`,
      );
    }
    process.stdout.write(modelsTable(rows));
    const settings = settingsTable(rows, verbose ? 'all' : 'given');
    if (settings !== '') process.stdout.write(`\n${settings}`);
    return 0;
  },
};

function adminUrl({ admin }: GatewayConfig): string {
  const host = admin.host === '0.0.0.0' || admin.host === '::' ? '127.0.0.1' : admin.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${admin.port}`;
}

/** Undefined when nothing listens there. */
async function askGateway(config: GatewayConfig): Promise<readonly ModelRow[] | undefined> {
  const { token } = config.admin;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let response: Response;
  try {
    response = await fetch(`${adminUrl(config)}/v1/models`, { headers });
  } catch {
    return undefined;
  }
  if (response.ok) return (await response.json()) as readonly ModelRow[];
  throw new Error(
    `the admin plane at ${adminUrl(config)} answered ${response.status}; is admin.token right?`,
  );
}

async function rowsOnDisk(repository: string): Promise<ModelRow[]> {
  const { models } = await scanRepository(repository);
  return [...models.values()].flatMap(model => {
    const { versions, problem } = model;
    if (versions.length === 0) return [rowOnDisk(model, '', problem ?? 'no version')];
    return versions.map(({ version, problem: own }) =>
      rowOnDisk(model, version, problem ?? (own || 'not running')),
    );
  });
}

function rowOnDisk(model: RepositoryModel, version: string, reason: string): ModelRow {
  const { name, config } = model;
  return {
    name,
    version,
    state: 'UNAVAILABLE',
    reason,
    stable: String(config.stable) === version,
    labels: Object.keys(config.labels).filter(label => String(config.labels[label]) === version),
    settings: settingsOf(model),
  };
}
