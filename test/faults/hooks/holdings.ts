/**
 * Imported into a gateway's process: writes to a file again and again how much JavaScript memory is held after a full
 * collection, and how many handles keep the loop alive.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const { SOAK_FILE: file, SOAK_EVERY_MS: everyMs } = process.env;

// A gateway's workers import it too.
if (file !== undefined && isMainThread && process.argv.includes('serve')) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setInterval(() => {
    collect();
    write(file);
  }, Number(everyMs)).unref();
}

function write(to: string): void {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().length;
  writeFileSync(`${to}.partial`, JSON.stringify({ heap: heapUsed + arrayBuffers, handles }));
  renameSync(`${to}.partial`, to);
}
