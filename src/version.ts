import { readFileSync } from 'node:fs';

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Headgate's own version, as package.json has it. */
export const VERSION: string = (manifest as { readonly version: string }).version;
