/** Times and numbers on the command line. */
import { UsageError } from './command.ts';

const MS = { ms: 1, s: 1000, m: 60_000 } as const;

/** '500ms', '60s', '2m', or a number of seconds, as ms. Throws a UsageError that names the flag. */
export function durationMs(flag: string, text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  const ms = Number(number) * MS[unit as keyof typeof MS];
  if (number === undefined || ms <= 0)
    throw new UsageError(`${flag} ${text}: expected a time, such as 60s or 2m`);
  return ms;
}

/** Throws a UsageError that names the flag. */
export function positiveNumber(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`${flag} ${text}: expected a number above 0`);
}
