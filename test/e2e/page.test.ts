import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
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

test('the page shows the models and workers of the running gateway in a real browser', { skip }, async () => {
  await using headgate = await startHeadgate({ repository: 'models' });
  const profile = await mkdtemp(path.join(tmpdir(), 'headgate-page-'));
  try {
    const { stdout } = await promisify(execFile)(
      CHROMIUM,
      [...FLAGS, `--user-data-dir=${profile}`, `${headgate.adminUrl}/`],
      { timeout: 60_000 },
    );
    assert.match(stdout, /digits/);
    assert.match(stdout, /READY|ready/);
    assert.match(stdout, /cpu/);
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});
