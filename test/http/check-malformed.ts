/** Sends one case of the corpus and holds the server to its answer. */
import assert from 'node:assert/strict';
import type { CorpusTarget, MalformedCase } from './malformed.ts';
import { sendRaw } from './raw-client.ts';

const NEXT = 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n';

/** What came back: the status, and the error's text where there is one. */
export interface MalformedAnswer {
  readonly status: number;
  readonly error: string;
}

/** Fails unless the case gets exactly its answer and, where the connection lives on, a good request on it a 200. */
export async function checkMalformed(
  port: number,
  target: CorpusTarget,
  { name, send, status, closes, head = false, followsGood = false }: MalformedCase,
): Promise<MalformedAnswer> {
  const servesNext = !closes && !head;
  const pieces = servesNext ? [...send(target), NEXT] : send(target);
  const finals = closes ? Infinity : servesNext ? 2 : 1;
  const { responses } = await sendRaw(port, pieces, { finals, head });
  const finalOnes = responses.filter(response => response.status >= 200);
  // A good request in front is answered when its answer is ready before the garbage behind it is read.
  const answers = followsGood && finalOnes[0]?.status === 200 ? finalOnes.slice(1) : finalOnes;
  assert.deepEqual(
    answers.map(answer => answer.status),
    servesNext ? [status, 200] : [status],
    name,
  );
  const [answer] = answers;
  if (answer === undefined || status < 400 || head) return { status, error: '' };
  assert.equal(answer.headers.get('content-type'), 'application/json');
  const { error } = JSON.parse(answer.body.toString()) as { error: unknown };
  assert.ok(typeof error === 'string' && error !== '', `${name}: an error text`);
  assert.doesNotMatch(error, /\/(home|usr|tmp|src|node_modules)\/|\n\s+at /, `${name}: no paths, no stacks`);
  return { status, error };
}

/** Fails unless a good inference on a fresh connection is answered. */
export async function checkServing(port: number, { model, goodBody }: CorpusTarget): Promise<void> {
  const head = `POST /v2/models/${model}/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${goodBody.length}\r\n\r\n`;
  const { responses } = await sendRaw(port, [head, goodBody], { finals: 1 });
  assert.equal(responses[0]?.status, 200);
}
