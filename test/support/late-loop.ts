/**
 * Imported into a gateway's process before it starts (`--import`): holds its event loop up again and again, as long as
 * the file that `LATE_LOOP` names exists.
 */
import { existsSync } from 'node:fs';

const file = process.env['LATE_LOOP'] ?? '';
const BLOCKED_MS = 600;
const OPEN_MS = 10;

function block(): void {
  const until = performance.now() + BLOCKED_MS;
  while (existsSync(file) && performance.now() < until);
}

// Workers inherit the environment: theirs is not to be late.
if (file !== '' && process.argv.includes('serve')) setInterval(block, BLOCKED_MS + OPEN_MS).unref();
