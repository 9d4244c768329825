/**
 * Preloaded (`NODE_OPTIONS=--require=…`), makes every hash of the cache's keys a weak one: of the last 16 bytes alone, so
 * that questions that end alike share a key whatever they are about. What a check of the cache must notice.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

type Hash = (algorithm: string, data: Uint8Array, encoding: string) => string;

const crypto = createRequire(import.meta.url)('node:crypto') as { hash: Hash };
const { hash } = crypto;
crypto.hash = (algorithm, data, encoding) => hash(algorithm, data.subarray(-16), encoding);
syncBuiltinESMExports();
