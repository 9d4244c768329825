/** How much of the machine's CPU time its host gave to others: of a virtual machine, where Linux says so. */
import { readFileSync } from 'node:fs';

export interface CpuTotals {
  /** Of all cores since the start, in ticks. */
  readonly ticks: number;
  readonly stolen: number;
}

const STOLEN_FIELD = 7;

/** Undefined where the system does not say. */
export function readCpuTotals(file = '/proc/stat'): CpuTotals | undefined {
  try {
    return parseCpuTotals(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** From the text of /proc/stat: the first line's fields are user, nice, system, idle, iowait, irq, softirq, steal. */
export function parseCpuTotals(text: string): CpuTotals | undefined {
  const [name, ...fields] = (text.split('\n')[0] ?? '').split(/\s+/);
  const values = fields.slice(0, STOLEN_FIELD + 1).map(Number);
  const ticks = values.reduce((sum, value) => sum + value, 0);
  const stolen = values[STOLEN_FIELD];
  return name === 'cpu' && stolen !== undefined && Number.isFinite(ticks) ? { ticks, stolen } : undefined;
}

/** Between two readings, 0 … 1; undefined when either is missing or no time has passed. */
export function stolenShare(before: CpuTotals | undefined, after: CpuTotals | undefined): number | undefined {
  if (before === undefined || after === undefined || after.ticks <= before.ticks) return undefined;
  return (after.stolen - before.stolen) / (after.ticks - before.ticks);
}
