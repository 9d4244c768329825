/** What a request's `cache-control` header allows (RFC 9111, 5.2.1), as far as a cache of results knows it. Pure. */
import type { CacheControl } from '../inference.ts';

const USUAL: CacheControl = { reads: true, stores: true, onlyIfCached: false, maxStaleMs: 0 };
const DIRECTIVE = /^([a-z-]+)(?:="?(\d{1,9})"?)?$/;

/** Undefined where the header says nothing that matters here. Unknown directives are ignored, as the RFC has it. */
export function readCacheControl(header: string | undefined): CacheControl | undefined {
  if (header === undefined) return undefined;
  let control = USUAL;
  for (const part of header.split(',', 16)) {
    const [, name, seconds] = DIRECTIVE.exec(part.trim().toLowerCase()) ?? [];
    control = withDirective(control, name, seconds);
  }
  return control === USUAL ? undefined : control;
}

function withDirective(
  control: CacheControl,
  name: string | undefined,
  seconds: string | undefined,
): CacheControl {
  switch (name) {
    case 'no-store':
      return { ...control, reads: false, stores: false };
    case 'no-cache':
      return { ...control, reads: false };
    case 'only-if-cached':
      return { ...control, onlyIfCached: true };
    case 'max-stale':
      return {
        ...control,
        maxStaleMs: seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000,
      };
    default:
      return control;
  }
}
