/** Imported into a gateway's process: writes to a file every second what keeps its loop alive, and how many of each. */
import { renameSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['SOAK_HANDLES'];
const EVERY_MS = 1000;

// A gateway's workers import it too.
if (file !== undefined && isMainThread && process.argv.includes('serve'))
  setInterval(write, EVERY_MS, file).unref();

function write(to: string): void {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  writeFileSync(`${to}.partial`, JSON.stringify(counts));
  renameSync(`${to}.partial`, to);
}
