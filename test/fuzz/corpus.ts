/** The kept seeds: `corpus/<kind>/<name>`, each with its line in `corpus/README.md`. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Kind } from './fuzz-case.ts';

export interface Seed {
  readonly name: string;
  readonly bytes: Buffer;
}

const FOLDER = new URL('corpus/', import.meta.url);

/** In the order of their names, so that a seed of the run draws the same of them everywhere. */
export function readCorpus(kind: Kind): readonly Seed[] {
  const folder = new URL(`${kind}/`, FOLDER);
  return readdirSync(folder)
    .sort()
    .map(name => ({ name, bytes: readFileSync(new URL(name, folder)) }));
}
