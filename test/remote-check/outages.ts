/** What must work when a server refuses, is gone, comes back, or no longer has the model. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { floatsOf, infer, rowsOf, someRows } from './ask.ts';
import { indexOf, numpySays, remoteState, type Subject, untilState } from './subject.ts';

/** A look that falls due, the proofs, and a slow machine. */
const BACK_LIMIT_MS = 15_000;

/** KServe's has no way to say 429. */
export async function overload(subject: Subject): Promise<string> {
  const seen: string[] = [];
  for (const status of subject.name === 'kserve' ? [503] : [429, 503]) {
    const said = await infer(subject.gateway.url, 'picky', rowsOf([[1, 2, 3, status]]));
    assert.equal(said.status, 429, said.text);
    assert.ok(Number(said.retryAfter) >= 1);
    seen.push(`${status} → 429, Retry-After ${said.retryAfter}`);
  }
  assert.equal((await remoteState(subject, 'picky')).state, 'ready');
  return seen.join('; ');
}

export async function killedAndBack(subject: Subject): Promise<string> {
  const { server, gateway } = subject;
  await server.kill();
  const lost = await infer(gateway.url, 'affine', rowsOf(someRows(1, 1)));
  assert.ok(lost.status === 503 && lost.retryAfter !== null, `${lost.status} ${lost.text}`);
  await untilState(subject, 'affine', 'unreachable', BACK_LIMIT_MS);
  await server.start();
  const ms = await untilState(subject, 'affine', 'ready', BACK_LIMIT_MS);
  const rows = someRows(3, 42);
  const said = await infer(gateway.url, 'affine', rowsOf(rows));
  assert.deepEqual(floatsOf(said, 'y'), numpySays(subject, rows).y.flat());
  return `503 meanwhile; ${(ms / 1000).toFixed(1)} s after it was ready again it was used again`;
}

/** Loaded while its server is down: by itself it is ready once that is there. */
export async function thereLater(subject: Subject): Promise<string> {
  const { server, gateway } = subject;
  const order = (what: string) =>
    fetch(`${gateway.adminUrl}/v2/repository/models/versioned/${what}`, { method: 'POST' });
  await server.kill();
  await order('unload');
  const loaded = await order('load');
  assert.equal(loaded.status, 503, await loaded.text());
  const { state, reason } = await indexOf(subject, 'versioned');
  assert.equal(state, 'UNAVAILABLE');
  await server.start();
  const untilMs = performance.now() + BACK_LIMIT_MS;
  while ((await indexOf(subject, 'versioned')).state !== 'READY') {
    assert.ok(performance.now() < untilMs, 'it is not ready though its server is');
    await sleep(50);
  }
  await untilState(subject, 'affine', 'ready', BACK_LIMIT_MS);
  return `“${reason}”; then ready by itself`;
}

/** Its server is well, and does not have the model any more. */
export async function unloadedThere(subject: Subject): Promise<string> {
  const { server, gateway } = subject;
  const order = (what: string) =>
    fetch(`${server.url}/v2/repository/models/picky/${what}`, { method: 'POST' }).then(
      ({ status }) => status,
    );
  assert.equal(await order('unload'), 200);
  const gone = await infer(gateway.url, 'picky', rowsOf(someRows(1, 2)));
  assert.equal(gone.status, 503, gone.text);
  await untilState(subject, 'picky', 'unreachable', BACK_LIMIT_MS);
  const loaded = await order('load');
  if (loaded !== 200) return `503, then unreachable; it cannot load it again itself (${loaded})`;
  await untilState(subject, 'picky', 'ready', BACK_LIMIT_MS);
  assert.equal((await infer(gateway.url, 'picky', rowsOf(someRows(1, 3)))).status, 200);
  return '503, then unreachable; ready again once it is loaded there';
}
