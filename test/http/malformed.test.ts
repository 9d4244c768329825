import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { jsonBody } from './infer-bodies.ts';
import { type CorpusTarget, MALFORMED, type MalformedCase } from './malformed.ts';
import { sendRaw } from './raw-client.ts';
import { OPTIONS, type Started, startPlane } from './start-plane.ts';

const TARGET: CorpusTarget = {
  model: 'identity',
  goodBody: jsonBody(),
  maxBodyBytes: OPTIONS.limits.maxBodyBytes,
  maxInflatedBytes: OPTIONS.limits.maxInflatedBytes,
};

const NEXT = 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n';

async function check(
  port: number,
  { name, send, status, closes, head = false }: MalformedCase,
): Promise<void> {
  const servesNext = !closes && !head;
  const pieces = servesNext ? [...send(TARGET), NEXT] : send(TARGET);
  const finals = closes ? Infinity : servesNext ? 2 : 1;
  const { responses } = await sendRaw(port, pieces, { finals, head });
  const answers = responses.filter(response => response.status >= 200);
  assert.deepEqual(
    answers.map(answer => answer.status),
    servesNext ? [status, 200] : [status],
    name,
  );
  const [answer] = answers;
  if (answer === undefined || status < 400 || head) return;
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal(typeof JSON.parse(answer.body.toString()).error, 'string');
}

const GOOD = `POST /v2/models/identity/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${TARGET.goodBody.length}\r\n\r\n`;

async function checkAll(
  t: TestContext,
  { port, plane }: Started,
  cases: readonly MalformedCase[],
): Promise<void> {
  for (const malformed of cases) {
    await t.test(malformed.name, async () => {
      await check(port, malformed);
      const { responses } = await sendRaw(port, [GOOD, TARGET.goodBody], { finals: 1 });
      assert.equal(responses[0]?.status, 200);
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
