/** Which names of models and versions exist at all. Every name from outside passes here before a path is made of it. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';

const MODEL_NAME = /^(?!\.)[A-Za-z0-9._-]{1,128}$/;
/** No sign, no leading zero, below 2⁵³. */
const VERSION = /^[1-9][0-9]{0,14}$/;

export function isModelName(name: string): boolean {
  return MODEL_NAME.test(name);
}

export function isVersion(name: string): boolean {
  return VERSION.test(name);
}

/** The real path of something below `root`, itself a real path; undefined when it lies outside or is not there. */
export async function realPathInside(root: string, candidate: string): Promise<string | undefined> {
  const real = await realpath(candidate).catch(() => undefined);
  if (real === undefined) return undefined;
  return real.startsWith(root.endsWith(path.sep) ? root : root + path.sep) ? real : undefined;
}
