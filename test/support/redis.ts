/** A real Redis in a process of its own, on a free port, that keeps nothing on disk. Debian: `apt-get install redis-server`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createClient } from '@redis/client';
import { freePort } from './headgate.ts';

export interface Redis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
}

export async function startRedis({
  password,
  port,
}: {
  password?: string;
  port?: number;
} = {}): Promise<Redis> {
  const on = port ?? (await freePort());
  const auth = password === undefined ? [] : ['--requirepass', password];
  const child = spawn(
    'redis-server',
    ['--bind', '127.0.0.1', '--port', String(on), '--save', '', '--appendonly', 'no', ...auth],
    { stdio: 'ignore' },
  );
  await once(child, 'spawn');
  const url = `redis://127.0.0.1:${on}`;
  await answers(url, password);
  return {
    url,
    port: on,
    process: child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // One that was stopped hears nothing else.
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Tries to connect until it is let in. */
async function answers(url: string, password: string | undefined): Promise<void> {
  for (;;) {
    const client = createClient({ url, ...(password && { password }), socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    try {
      await client.connect();
      client.destroy();
      return;
    } catch {
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}
