/** The short form of slow and silent clients, and that each figure can be missed. How much they slow, the long form says. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Silence, silenceRows, silentClients } from './silent-clients.ts';
import { type SlowClientsResult, slowClients } from './slow-clients.ts';
import { slowClientsRows, slowdownOf } from './slow-clients-figures.ts';
import { startSlowSubject } from './slow-clients-subject.ts';
import { heldSockets } from './sockets.ts';

test('good traffic is answered beside idle and slow clients, which keep their places', async () => {
  await using subject = await startSlowSubject();
  const result = await slowClients(subject, {
    ...{ guests: { idle: 1000, head: 50, body: 50, reader: 3 }, stretches: 1, secondsEach: 1 },
    ...{ share: 0.05, seed: 1, progress: () => undefined },
  });
  const missed = slowClientsRows(result).filter(({ kept }) => !kept);
  // Of a few seconds on a machine that may have other work, times and memory say nothing.
  assert.deepEqual(
    missed.filter(({ figure }) => !/p99|memory/.test(figure)),
    [],
  );
});

test('clients that fall silent are let go within twice their times', async () => {
  const rows = silenceRows(await silentClients(10));
  assert.equal(rows.length, 5);
  assert.deepEqual(
    rows.filter(({ kept }) => !kept),
    [],
  );
});

test('control: a crowd that slows good traffic is seen, and a machine that slows by itself is not taken for one', () => {
  assert.equal(slowdownOf([1, 1, 1], [1, 1]).ratio, 1);
  assert.equal(slowdownOf([1, 1, 1, 1], [1.5, 1.5, 1.5]).ratio, 1.5);
  const drift = slowdownOf([1, 4, 16, 64], [2, 8, 32]);
  assert.deepEqual(drift, { ratio: 1, interval: [1, 1] });
  const outlier = slowdownOf([1, 1, 1, 1, 1, 1], [1, 1, 1, 9, 1]);
  assert.equal(outlier.ratio, 1);
  assert.ok(outlier.interval[1] > 1);
});

test('each figure of slow clients misses its target by itself', () => {
  const stretch = { p99Ms: 2, cpuUs: 100, requests: 10, notAnswered: 0 };
  const counted = (idle: number) => ({
    guests: { idle, silent: 0, head: 5, body: 5, reader: 0 },
    ended: { idle: 0, silent: 0, head: 0, body: 0, reader: 0 },
  });
  const good: SlowClientsResult = {
    ...{ ratePerSecond: 10, without: [stretch, stretch], withCrowd: [stretch], counts: [counted(90)] },
    ...{ wanted: { idle: 90, head: 5, body: 5 }, idleBytes: 90 * 20 * 1024 },
  };
  const missed = (result: SlowClientsResult) =>
    slowClientsRows(result).flatMap(({ figure, kept }) => (kept ? [] : [figure.slice(0, 12)]));
  assert.deepEqual(missed(good), []);
  assert.deepEqual(missed({ ...good, withCrowd: [{ ...stretch, p99Ms: 2.5 }] }), ['S8 p99 with ']);
  const noisy = {
    ...good,
    without: [stretch, stretch, stretch],
    withCrowd: [stretch, { ...stretch, p99Ms: 6 }],
  };
  assert.match(
    slowClientsRows({
      ...noisy,
      without: [...noisy.without, stretch],
      withCrowd: [stretch, ...noisy.withCrowd],
    })[0]?.value ?? '',
    /^1.00 .*unclear/,
  );
  assert.deepEqual(missed({ ...good, idleBytes: 90 * 21 * 1024 }), ['S8 memory of']);
  assert.deepEqual(missed({ ...good, idleBytes: Number.NaN }), ['S8 memory of']);
  assert.deepEqual(missed({ ...good, withCrowd: [{ ...stretch, notAnswered: 1 }] }), ['S8 good requ']);
  assert.deepEqual(missed({ ...good, counts: [counted(90), counted(79)] }), ['R17 of the s']);
});

test('a silent client that stays, or never came, is no success', () => {
  const gone: Silence = { kind: 'head', clients: 5, connected: 5, timeoutMs: 1000, goneMs: 2500 };
  const kept = (silence: Silence) => silenceRows([silence])[0]?.kept;
  assert.equal(kept(gone), true);
  assert.equal(kept({ ...gone, goneMs: 2501 }), false);
  assert.equal(kept({ ...gone, goneMs: Number.POSITIVE_INFINITY }), false);
  assert.equal(kept({ ...gone, connected: 4 }), false);
  assert.equal(kept({ ...gone, clients: 0, connected: 0 }), false);
});

test('sockets are counted that somebody holds at the port, by where they come from', () => {
  const line = (local: string, remote: string, state: string, inode: number) =>
    `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1`;
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    line('0100007F:1F40', '00000000:0000', '0A', 11),
    line('0100007F:1F40', '0101007F:9C40', '01', 12),
    line('0100007F:1F40', '0101007F:9C41', '08', 13),
    line('0100007F:1F40', '0201007F:9C42', '01', 14),
    line('0100007F:1F40', '0201007F:9C43', '05', 0),
    line('0101007F:9C40', '0100007F:1F40', '01', 15),
    '',
  ].join('\n');
  assert.deepEqual(
    [...heldSockets(table, 8000)],
    [
      ['127.0.1.1', 2],
      ['127.0.1.2', 1],
    ],
  );
});
