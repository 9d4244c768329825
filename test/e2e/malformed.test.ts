import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { checkMalformed, checkServing } from '../http/check-malformed.ts';
import { type CorpusTarget, MALFORMED } from '../http/malformed.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { identity, writeRepository } from '../support/onnx.ts';

const TARGET: CorpusTarget = {
  model: 'identity',
  goodBody: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }),
  maxBodyBytes: 1024 * 1024,
  maxInflatedBytes: 2 * 1024 * 1024,
};

let folder: string;
let headgate: Headgate;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-malformed-'));
  await writeRepository(folder, { identity: { versions: { 1: identity() } } });
  const { maxBodyBytes, maxInflatedBytes } = TARGET;
  headgate = await startHeadgate({
    repository: folder,
    config: {
      limits: { maxBodyBytes, maxInflatedBytes },
      timeouts: { headersMs: 400, requestMs: 3000, keepAliveMs: 60_000 },
    },
  });
});
after(async () => {
  await headgate?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function workerPids(): Promise<number[]> {
  const rows = (await (await fetch(`${headgate.adminUrl}/v1/workers`)).json()) as { pid: number }[];
  return rows.map(({ pid }) => pid);
}

test('the whole gateway gives every malformed request its one answer, never a 5xx, and goes on serving', async t => {
  const port = Number(new URL(headgate.url).port);
  const workers = await workerPids();
  for (const malformed of MALFORMED) {
    await t.test(malformed.name, async () => {
      const { status } = await checkMalformed(port, TARGET, malformed);
      assert.ok(status < 500 || status === 501, `${status}`);
      await checkServing(port, TARGET);
    });
  }
  assert.deepEqual(await workerPids(), workers, 'no worker was replaced');
});
