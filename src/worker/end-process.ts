import { unlinkSync, writeSync } from 'node:fs';

let socketPath: string | undefined;

/** The socket to remove when the process ends. */
export function ownSocket(path: string): void {
  socketPath = path;
}

/**
 * Ends the worker process, now, by SIGKILL: leaving any other way tears down threads that hold a session, which can
 * abort the process or wait for a run that never returns.
 */
export function endProcess(reason: string): never {
  try {
    if (socketPath !== undefined) unlinkSync(socketPath);
  } catch {
    // Somebody else removed it.
  }
  try {
    if (reason !== '') writeSync(2, `${reason}\n`);
  } catch {
    // Nobody reads our stderr any more.
  }
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
