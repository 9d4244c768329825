import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { startHeadgate } from '../support/headgate.ts';
import { identity, mlp, writeRepository } from '../support/onnx.ts';

/** A Vulkan driver that computes on the CPU; Debian's package chromium ships it. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const skip = existsSync(SWIFTSHADER)
  ? false
  : `no ${SWIFTSHADER}: install the package chromium, and libvulkan1`;

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-webgpu-'));
  const model = mlp([16, 32, 4], 3);
  await writeRepository(folder, {
    gpu: {
      versions: { 1: model },
      config: 'instances: [{ kind: webgpu }]\nmaxBatchSize: 8\ntimeoutMs: 30000\n',
    },
    cpu: { versions: { 1: model }, config: 'timeoutMs: 30000\n' },
    cuda: { versions: { 1: identity() }, config: 'instances: [{ kind: cuda }]\n' },
  });
});
after(() => rm(folder, { recursive: true, force: true }));

test('a model runs on a GPU through WebGPU, in a worker of its own, and answers as on the CPU', {
  skip,
}, async () => {
  await using headgate = await startHeadgate({ repository: folder, env: { VK_DRIVER_FILES: SWIFTSHADER } });
  const row = { name: 'x', shape: [3, 16], data: Float32Array.from({ length: 48 }, (_, i) => Math.sin(i)) };
  const [gpu, cpu] = await Promise.all(
    ['gpu', 'cpu'].map(model => inferBinary(inferUrl(headgate.url, model), [row])),
  );
  assert.ok(gpu && cpu);
  assertOk(gpu);
  assertOk(cpu);
  const expected = cpu.binary.get('y') as Float32Array;
  gpu.binary.get('y')?.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] as number)) < 1e-3, `${value} and ${expected[i]}`);
  });
  const workers = (await (await fetch(`${headgate.adminUrl}/v1/workers`)).json()) as { device: string }[];
  assert.deepEqual(workers.map(({ device }) => device).sort(), ['cpu', 'gpu:0']);
});

test('a model for a GPU that is not there is UNAVAILABLE and says so; it never runs on the CPU unasked', async () => {
  await using headgate = await startHeadgate({
    repository: folder,
    env: { VK_DRIVER_FILES: '/nonexistent' },
  });
  const index = (await (await fetch(`${headgate.url}/v2/repository/index`, { method: 'POST' })).json()) as {
    name: string;
    state: string;
    reason: string;
  }[];
  for (const name of ['gpu', 'cuda']) {
    const entry = index.find(one => one.name === name);
    assert.equal(entry?.state, 'UNAVAILABLE');
    assert.notEqual(entry?.reason, '');
  }
  assert.equal(index.find(({ name }) => name === 'cpu')?.state, 'READY');
});
