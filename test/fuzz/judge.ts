/** What an answer means. Pure. */
import type { FuzzCase, Trouble } from './fuzz-case.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The status, and the message without what is of this one request: the signal that something new was reached. */
export function outcomeOf({ status, text }: Answer): string {
  if (status < 400) return String(status);
  return `${status} ${messageOf(text)}`;
}

function messageOf(text: string): string {
  const error = /^\{"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? 'other text';
  return classOf(error);
}

/** A message without its names, numbers and lists, at most 80 characters. */
export function classOf(message: string): string {
  return message
    .slice(0, 400)
    .replace(/'[^']*'|\\"(?:[^\\]|\\[^"])*\\"|"[^"]*"|\[[^\]]*\]/g, '…')
    .replace(/-?\d[\d.e+]*/gi, 'n')
    .replace(/parameters\.[^:]*/g, 'parameters.…')
    .slice(0, 80);
}

const LEAK = /\/(home|usr|tmp|src|root|proc|node_modules)\/|\n\s+at |\\n\s+at /;
/** The models' own failures on well-formed inputs: an index outside Gather's table, and a JSON answer that is no number. */
const OF_THE_MODEL = /out of data bounds|NaN|Infinity|not finite/;

/** Undefined: as it should be. */
export function troubleOf({ bytes }: FuzzCase, { status, text }: Answer): Trouble | undefined {
  if (status >= 400 && LEAK.test(text)) return 'leak';
  if (status < 500 || isHonest(bytes, status, text)) return undefined;
  return '5xx';
}

/** What a client asked for itself: a time too short, only what is kept, something that is not there to be had. */
function isHonest(bytes: Buffer, status: number, text: string): boolean {
  if (status === 500) return OF_THE_MODEL.test(text);
  if (status === 501) return /not supported/.test(text);
  if (status === 504) return /timeout|only-if-cached/i.test(bytes.toString('latin1'));
  return false;
}
