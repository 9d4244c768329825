/** Rows of models as text for a terminal. */
import type { ModelRow } from '../admin/service.ts';

const HEAD = ['MODEL', 'VERSION', 'STATE', 'BATCH', 'INSTANCES', 'MEMORY', 'ROLES', 'REASON'];

/** One line per version. Memory is what its sessions were seen to take when it was loaded. */
export function modelsTable(rows: readonly ModelRow[]): string {
  if (rows.length === 0) return 'no models\n';
  return aligned([HEAD, ...rows.map(cells)]);
}

function cells(row: ModelRow): string[] {
  const { name, version, state, maxBatchSize, instances, memoryBytes, stable, labels, reason } = row;
  return [
    name,
    version,
    state,
    maxBatchSize === undefined ? '-' : maxBatchSize === 0 ? 'none' : String(maxBatchSize),
    String(instances ?? '-'),
    memoryBytes === undefined ? '-' : `${(memoryBytes / 2 ** 20).toFixed(1)} MiB`,
    [...(stable ? ['stable'] : []), ...labels].join(', ') || '-',
    reason,
  ];
}

/** Origins of what nobody wrote. */
const NOT_GIVEN = ['default', 'derived'];

/** The settings of every model, with their values and where those come from; '' when none was given. */
export function settingsTable(rows: readonly ModelRow[], which: 'given' | 'all'): string {
  const models = new Map(rows.map(row => [row.name, row.settings ?? {}]));
  const lines = [...models].flatMap(([model, settings]) =>
    Object.entries(settings)
      .filter(([, { origin }]) => which === 'all' || !NOT_GIVEN.includes(origin))
      .map(([key, { value, origin }]) => [model, key, JSON.stringify(value), origin]),
  );
  return lines.length === 0 ? '' : aligned([['MODEL', 'SETTING', 'VALUE', 'FROM'], ...lines]);
}

/** Names come from folders: what would steer a terminal is left out. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}

function aligned(cells: readonly (readonly string[])[]): string {
  const lines = cells.map(line => line.map(printable));
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map(line => line[i]?.length ?? 0)));
  return lines
    .map(
      line =>
        `${line
          .map((cell, i) => cell.padEnd(widths[i] as number))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
