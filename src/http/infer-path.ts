import type { Named } from './names.ts';

/** Nothing escaped, no query. */
const PLAIN_INFER = /^\/v2\/models\/([^/?#%]+)(?:\/versions\/([^/?#%]+))?\/infer$/;

/** The names in an infer request's plain path; undefined for every other, the same path written otherwise included. */
export function namedIn(url: string): Named | undefined {
  const found = PLAIN_INFER.exec(url);
  return found === null ? undefined : { model: found[1] as string, version: found[2] };
}
