/** An earlier commit's files, to run beside this checkout's. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

/** Into a folder of that name in `folder`, with this checkout's dependencies. Throws when there is no such commit. */
export function checkOut(commit: string, folder: string): string {
  const at = path.join(folder, 'before');
  mkdirSync(at);
  execFileSync('sh', ['-c', 'git archive "$1" | tar -x -C "$2"', 'sh', commit, at]);
  symlinkSync(path.resolve('node_modules'), path.join(at, 'node_modules'));
  return at;
}
