/** A gateway with a small model, and one whose answers are as large as is asked. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Address } from '../../src/load/connection.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { addConstant, expand, writeRepository } from '../support/onnx.ts';

export interface SlowSubject extends AsyncDisposable {
  readonly headgate: Headgate;
  readonly address: Address;
}

/** `timeouts` as in the configuration; what is absent is as it comes. */
export async function startSlowSubject(
  timeouts: Partial<Record<'headersMs' | 'requestMs' | 'keepAliveMs', number>> = {},
): Promise<SlowSubject> {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-slow-'));
  await writeRepository(folder, {
    other: { versions: { 1: addConstant(2, 64) }, config: 'coalesce: false\ntimeoutMs: 10000\n' },
    expand: {
      versions: { 1: expand() },
      config: 'coalesce: false\nmaxBatchSize: 0\ntimeoutMs: 60000\n',
    },
  });
  const headgate = await startHeadgate({ repository: folder, config: { timeouts } });
  const { hostname: host, port } = new URL(headgate.url);
  return {
    headgate,
    address: { host, port: Number(port) },
    async [Symbol.asyncDispose]() {
      await headgate[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
