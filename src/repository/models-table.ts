/** What `headgate models` prints, from what the operator's plane serves at `GET /v1/models`. */

/** An element of the `models` array of `GET /v1/models`. */
export interface ModelReport {
  readonly name: string;
  /** Why what the folder says is not, or not wholly, in force; ''. */
  readonly problem: string;
  /** What the configuration says that Headgate does not do. */
  readonly unsupported: readonly string[];
  readonly versions: readonly VersionReport[];
  readonly settings: readonly SettingReport[];
}

export interface VersionReport {
  readonly version: string;
  readonly state: string;
  readonly reason: string;
  /** Sessions that answer; absent when not ready. */
  readonly instances?: number;
  /** Of its workers' memory, as far as it is known. */
  readonly memoryBytes?: number;
  /** Rows per run; 0: no batch axis. */
  readonly maxBatchSize?: number;
  readonly isDefault: boolean;
  readonly labels: readonly string[];
  readonly contentSha256?: string;
}

export interface SettingReport {
  readonly key: string;
  readonly value: unknown;
  /** `models/x/config.yaml:3`, 'default', 'derived'. */
  readonly origin: string;
}

const HEAD = ['MODEL', 'VERSION', 'STATE', 'INSTANCES', 'MEMORY', 'BATCH', 'ANSWERS TO', 'REASON'];

/** A table of versions, then what needs saying; `verbose` adds every setting with its origin. */
export function formatModels(models: readonly ModelReport[], { verbose = false } = {}): string {
  if (models.length === 0) return 'no models\n';
  const rows = models.flatMap(model => modelRows(model));
  const notes = models.flatMap(({ name, problem, unsupported }) => [
    ...(problem === '' ? [] : [`${name}: ${problem}`]),
    ...unsupported.map(field => `${name}: not honoured: ${field}`),
  ]);
  const settings = verbose ? models.flatMap(settingLines) : [];
  return `${[...table([HEAD, ...rows]), ...paragraph(notes), ...settings].map(printable).join('\n')}\n`;
}

function modelRows({ name, versions, problem }: ModelReport): string[][] {
  if (versions.length === 0) return [[name, '-', 'UNAVAILABLE', '-', '-', '-', '-', problem]];
  return versions.map(version => [
    name,
    version.version,
    version.state,
    version.instances === undefined ? '-' : String(version.instances),
    version.memoryBytes === undefined ? '-' : `${(version.memoryBytes / 1024 / 1024).toFixed(0)} MiB`,
    batchText(version.maxBatchSize),
    [...(version.isDefault ? ['default'] : []), ...version.labels].join(', ') || '-',
    version.reason,
  ]);
}

function batchText(maxBatchSize: number | undefined): string {
  if (maxBatchSize === undefined) return '-';
  return maxBatchSize === 0 ? 'none' : String(maxBatchSize);
}

function settingLines({ name, settings }: ModelReport): string[] {
  const rows = settings.map(({ key, value, origin }) => [`  ${key}`, JSON.stringify(value) ?? '-', origin]);
  return ['', name, ...table(rows)];
}

function paragraph(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map(row => row[i]?.length ?? 0)));
  return rows.map(row =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Names and reasons come from files: nothing of them may steer the terminal. */
function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
