/**
 * Where the workers' sockets lie: a directory that only this user can enter, named after the process that owns it,
 * so that a later start can clear away what a killed one left. An owner may live where its process cannot be seen, in
 * another container with the same temporary directory: then its workers answer on their sockets.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const NAMED = /^headgate-(\d+)-/;
/** An unseen owner may have no worker for a while: it has just started, or waits to start one again. */
const LEFT_ALONE_MS = 60_000;

/** Creates `headgate-<pid>-<random>` with mode 0700 (as mkdtemp does) and returns its path. */
export async function createSocketDirectory(parent: string = tmpdir()): Promise<string> {
  return mkdtemp(path.join(parent, `headgate-${process.pid}-`));
}

/**
 * Removes the directories of owners that no longer live: in which nothing has come or gone for a minute and nobody
 * answers. What cannot be removed is another user's.
 */
export async function sweepSocketDirectories(parent: string = tmpdir()): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(NAMED.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    const directory = path.join(parent, name);
    // What cannot be looked into is another user's.
    const inUse = await isInUse(directory).catch(() => true);
    if (!inUse) await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function isInUse(directory: string): Promise<boolean> {
  const { mtimeMs } = await stat(directory);
  if (Date.now() - mtimeMs < LEFT_ALONE_MS) return true;
  const sockets = await readdir(directory);
  const answered = await Promise.all(sockets.map(name => answers(path.join(directory, name))));
  return answered.includes(true);
}

/** A listening socket is connected to by the kernel, also when its process is busy. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(socketPath);
    const settle = (connected: boolean): void => {
      resolve(connected);
      socket.destroy();
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
