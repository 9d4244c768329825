/** The short form of the nonces through a gateway, and bugs planted in it that must be found. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { uniform } from '../../src/load/random.ts';
import { type CrossTalkResult, crossTalk, crossTalkRows } from './cross-talk.ts';
import { type Kind, Question } from './cross-talk-question.ts';
import { MixedQuestions, startCrossTalkSubject } from './cross-talk-subject.ts';
import { CrossTalkTally } from './cross-talk-tally.ts';
import { planted } from './hooks/planted.ts';
import { NonceReplies, type NonceReply } from './nonce-replies.ts';

const SHORT = { replies: 10_000, clients: 20, killEverySeconds: 3, seed: 3, progress: () => undefined };

test('while workers are killed and wake their threads late, and clients leave, no answer holds rows of another request', async () => {
  await using subject = await startCrossTalkSubject(planted('late-wakes'));
  const result = await crossTalk(subject, SHORT);
  const missed = crossTalkRows(result).filter(({ kept }) => !kept);
  assert.deepEqual(missed, [], result.tally.told.join('\n'));
});

for (const bug of ['swap-rows', 'weak-key'] as const) {
  test(`control: a gateway with the bug ${bug} is found out`, async () => {
    await using subject = await startCrossTalkSubject(planted(bug));
    // It ends with the first that is found.
    const more = { replies: 20 * SHORT.replies, clients: 40, killEverySeconds: Number.POSITIVE_INFINITY };
    const result = await crossTalk(subject, { ...SHORT, ...more });
    assert.ok(result.tally.foreign > 0, JSON.stringify(result.tally));
    const missed = crossTalkRows(result).filter(({ kept }) => !kept);
    assert.ok(missed.some(({ figure }) => figure === 'S11 with another request’s rows or id'));
  });
}

/** The answer of a server that gives back what it was asked, or what another was. */
function echo(question: Question, change: (text: string) => string = text => text): NonceReply {
  const { bytes, kind } = question;
  const body = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
  const binaryBytes = kind.encoding === 'json' ? 0 : kind.rows * kind.width * 4;
  const changed = Buffer.from(change(body.toString('latin1')), 'latin1');
  const jsonLength = kind.encoding === 'json' ? undefined : changed.length - binaryBytes;
  return { status: 200, head: '', body: changed, jsonLength };
}

const JSON_KIND: Kind = { model: 'm', rows: 2, width: 4, encoding: 'json' };
const BINARY_KIND: Kind = { ...JSON_KIND, encoding: 'binary' };

function asked(kind: Kind, sequence: number): Question {
  const question = new Question(kind);
  question.name(7, sequence);
  for (let row = 0; row < kind.rows; row++) question.setRow(row, 7, sequence, row);
  return question;
}

test('an answer is its own, or another’s by any of its rows, its id or its length', () => {
  for (const kind of [JSON_KIND, BINARY_KIND]) {
    const [own, other] = [asked(kind, 41), asked(kind, 42)];
    assert.equal(own.judge(echo(own)).kind, 'own');
    assert.equal(own.judge(echo(other)).kind, 'foreign');
    const renamed = own.judge(echo(own, text => text.replace('k1000007-1000041', 'k1000007-1000042')));
    assert.match('said' in renamed ? renamed.said : '', /another’s id/);
    const cut = echo(own, text =>
      kind.encoding === 'json' ? text.replace(',1000041', '') : text.slice(0, -4),
    );
    assert.equal(own.judge({ ...cut, jsonLength: echo(own).jsonLength }).kind, 'foreign');
    own.setRow(1, 7, 42, 1);
    assert.equal(own.judge(echo(asked(kind, 41))).kind, 'foreign');
  }
});

test('what is no 200 is refused or failed, never its own', () => {
  const own = asked(JSON_KIND, 1);
  const verdict = (status: number) => own.judge({ ...echo(own), status }).kind;
  assert.deepEqual([429, 503, 504, 400, 500].map(verdict), [
    'refused',
    'refused',
    'refused',
    'failed',
    'failed',
  ]);
});

test('answers are read one after the other however they are cut', () => {
  const text = ['one', '', 'three'].map(
    body => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const bytes = Buffer.from(text.join(''));
  for (let size = 1; size <= bytes.length; size++) {
    const bodies: string[] = [];
    const replies = new NonceReplies(({ body }) => bodies.push(body.toString()));
    for (let at = 0; at < bytes.length; at += size) replies.read(bytes.subarray(at, at + size));
    assert.deepEqual(bodies, ['one', '', 'three']);
  }
});

test('a question used again holds nothing of what it was', () => {
  const questions = new MixedQuestions(uniform(1));
  const earlier = Array.from({ length: 300 }, (_, i) => questions.next(1, i));
  for (const question of earlier) questions.giveBack(question);
  for (let i = 0; i < 300; i++) {
    const question = questions.next(2, i);
    const fresh = new Question(question.kind);
    assert.equal(question.bytes.length, fresh.bytes.length);
    assert.ok(question.bytes.includes(`k1000002-${1_000_000 + i}`));
    questions.giveBack(question);
  }
});

test('each figure of cross-talk misses its target by itself', () => {
  const tally = Object.assign(new CrossTalkTally(), { own: 10, left: 1, looked: 2, shared: 1, kept: 1 });
  const good: CrossTalkResult = {
    ...{ wanted: 10, seconds: 1, tally, kinds: 2, kindsMet: 2, clients: 10, leavers: 3, takenAfter: 0 },
    kills: [{ pid: 1, inFlight: 1 }],
  };
  const missed = (result: CrossTalkResult) =>
    crossTalkRows(result).flatMap(row => (row.kept ? [] : [row.figure]));
  const withTally = (more: Partial<CrossTalkTally>) => ({
    ...good,
    tally: Object.assign(new CrossTalkTally(), tally, more),
  });
  assert.deepEqual(missed(good), []);
  const bad: CrossTalkResult[] = [
    { ...good, wanted: 11 },
    withTally({ foreign: 1 }),
    withTally({ failed: 1 }),
    withTally({ lost: 1 }),
    { ...good, kills: [] },
    { ...good, kills: [{ pid: 1, inFlight: 0 }] },
    { ...good, leavers: 2 },
    withTally({ left: 0 }),
    { ...good, takenAfter: 1 },
    { ...good, kindsMet: 1 },
    withTally({ shared: 0 }),
    withTally({ kept: 0 }),
  ];
  for (const result of bad) assert.equal(missed(result).length, 1);
});
