import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { checkMalformed, checkServing } from './check-malformed.ts';
import { jsonBody } from './infer-bodies.ts';
import { type CorpusTarget, MALFORMED, type MalformedCase } from './malformed.ts';
import { OPTIONS, type Started, startPlane } from './start-plane.ts';

const TARGET: CorpusTarget = {
  model: 'identity',
  goodBody: jsonBody(),
  maxBodyBytes: OPTIONS.limits.maxBodyBytes,
  maxInflatedBytes: OPTIONS.limits.maxInflatedBytes,
};

async function checkAll(
  t: TestContext,
  { port, plane }: Started,
  cases: readonly MalformedCase[],
): Promise<void> {
  for (const malformed of cases) {
    await t.test(malformed.name, async () => {
      await checkMalformed(port, TARGET, malformed);
      await checkServing(port, TARGET);
    });
  }
  assert.equal(({} as Record<string, unknown>)['inputs'], undefined);
  assert.equal(plane.inFlight, 0);
  assert.equal(plane.bodyBytes, 0);
}

test('every malformed request gets its one answer, and the next client is served', async t => {
  await checkAll(
    t,
    await startPlane(t),
    MALFORMED.filter(({ slow }) => slow !== true),
  );
});

test('every request that stalls is timed out, and the next client is served', async t => {
  const timeouts = { headersMs: 400, requestMs: 600, keepAliveMs: 60_000 };
  await checkAll(
    t,
    await startPlane(t, { timeouts }),
    MALFORMED.filter(({ slow }) => slow === true),
  );
});
