/**
 * Where the workers' sockets lie: a directory that only this user can enter, named after the process that owns it,
 * so that the next start can clear away what a killed one left.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const NAMED = /^headgate-(\d+)-/;

/** Creates `headgate-<pid>-<random>` with mode 0700 (as mkdtemp does) and returns its path. */
export async function createSocketDirectory(parent: string = tmpdir()): Promise<string> {
  return mkdtemp(path.join(parent, `headgate-${process.pid}-`));
}

/** Removes the directories of owners that no longer live. What cannot be removed is another user's. */
export async function sweepSocketDirectories(parent: string = tmpdir()): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(NAMED.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    await rm(path.join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
