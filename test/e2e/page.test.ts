import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { startHeadgate } from '../support/headgate.ts';

const CHROMIUM = '/usr/bin/chromium';
const skip = existsSync(CHROMIUM) ? false : `no ${CHROMIUM}`;
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...[
    '--disable-background-networking',
    '--disable-component-update',
    '--virtual-time-budget=5000',
    '--dump-dom',
  ],
];

async function shownAt(url: string): Promise<string> {
  const profile = await mkdtemp(path.join(tmpdir(), 'headgate-page-'));
  try {
    const args = [...FLAGS, `--user-data-dir=${profile}`, url];
    return (await promisify(execFile)(CHROMIUM, args, { timeout: 60_000 })).stdout;
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function bodyOf(page: string, id: string): string {
  return page.match(new RegExp(`<tbody id="${id}">([^]*?)</tbody>`))?.[1] ?? '';
}

test('the page shows models, workers and what was learned of the running gateway in a real browser', {
  skip,
}, async () => {
  await using headgate = await startHeadgate({ repository: 'models' });
  const image = { name: 'image', shape: [1, 784], data: new Float32Array(784) };
  for (let request = 0; request < 3; request++)
    assertOk(await inferBinary(inferUrl(headgate.url, 'digits'), [image]));

  const page = await shownAt(`${headgate.adminUrl}/`);
  assert.match(bodyOf(page, 'models'), /digits/);
  assert.match(bodyOf(page, 'models'), /ready/);
  assert.match(bodyOf(page, 'workers'), /cpu/);
  const learned = bodyOf(page, 'batches');
  assert.match(learned, />digits</);
  assert.match(learned, /<g class="ran"><title>1 row: [^<]* Of its last \d runs\.</);
  assert.match(learned, /<g class="measured"><title>256 rows: [^<]* measured at load/);
});
