/** Replies of any length, sent in any pieces, as `WorkerClient` gives them out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../src/errors.ts';
import type { ExecutionResult } from '../../src/inference.ts';
import { WorkerClient } from '../../src/pool/worker-client.ts';

/** A worker that answers each request with what the test says, in the pieces it says. */
class PiecewiseWorker {
  readonly socketPath: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: ((socket: Socket) => void)[] = [];
  readonly #asking: Socket[] = [];

  constructor(socketPath: string) {
    this.socketPath = socketPath;
    this.#server = createServer(socket => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      // The requests of this test are shorter than a read.
      socket.on('data', () => (this.#waiting.shift() ?? (asking => this.#asking.push(asking)))(socket));
    });
  }

  async listen(): Promise<void> {
    await once(this.#server.listen(this.socketPath), 'listening');
  }

  /** The connection of the next request. */
  next(): Promise<Socket> {
    const asking = this.#asking.shift();
    return asking === undefined
      ? new Promise(resolve => this.#waiting.push(resolve))
      : Promise.resolve(asking);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function start(t: TestContext): Promise<{ worker: PiecewiseWorker; client: WorkerClient }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-replies-'));
  const worker = new PiecewiseWorker(path.join(folder, 'w.sock'));
  await worker.listen();
  const client = new WorkerClient(worker.socketPath, 4);
  t.after(async () => {
    client.destroy(new GatewayError('cancelled', 'over'));
    await worker.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { worker, client };
}

const ask = (client: WorkerClient): Promise<ExecutionResult> =>
  client.infer('/v2/models/m/versions/1', {
    inputs: [{ name: 'x', datatype: 'UINT8', shape: [1, 1], parts: [new Uint8Array(1)] }],
    outputs: undefined,
    rows: 1,
  });

/** A reply with an output `y` of these bytes. */
function replyOf(data: Uint8Array): Buffer {
  const parameters = { binary_data_size: data.length };
  const json = JSON.stringify({
    outputs: [{ name: 'y', datatype: 'UINT8', shape: [1, data.length], parameters }],
  });
  const head =
    `HTTP/1.1 200 OK\r\ncontent-length: ${json.length + data.length}\r\n` +
    `inference-header-content-length: ${json.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head + json), data]);
}

async function sendInPieces(socket: Socket, reply: Buffer, ends: readonly number[]): Promise<void> {
  let from = 0;
  for (const end of [...ends, reply.length]) {
    await new Promise(resolve => socket.write(reply.subarray(from, end), resolve));
    // Give the reader its turn: pieces must not grow together in the socket every time.
    await new Promise(setImmediate);
    from = end;
  }
}

const noise = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 17 + seed) & 255);

function assertOutput({ outputs }: ExecutionResult, expected: Uint8Array): void {
  const data = outputs[0]?.data;
  assert.ok(data !== undefined && Buffer.from(expected).equals(data), 'not what the worker sent');
}

test('a reply arrives whole whatever pieces it comes in', async t => {
  const { worker, client } = await start(t);
  const length = fc.oneof(fc.nat(300), fc.integer({ min: 30_000, max: 70_000 }), fc.nat(600_000));
  const pieces = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(length, pieces, fc.nat(255), async (bytes, shares, seed) => {
      const data = noise(bytes, seed);
      const reply = replyOf(data);
      const result = ask(client);
      const ends = shares.map(share => Math.floor(share * reply.length)).sort((a, b) => a - b);
      await sendInPieces(await worker.next(), reply, ends);
      const done = await result;
      assertOutput(done, data);
      done.lease?.release();
    }),
    { numRuns: 60 },
  );
});

test('replies that come in turns over several connections do not mix', async t => {
  const { worker, client } = await start(t);
  const replies = [noise(300_000, 1), noise(200_000, 2), noise(5_000, 3)];
  const results = replies.map(() => ask(client));
  const sockets = [await worker.next(), await worker.next(), await worker.next()];
  // Within the head, the JSON and the data.
  const ends = [10, 30, 50, 100, 150, 80_000, 80_001, 199_000];
  // Which connection carries which request is not known: each answer is found by its length.
  await Promise.all(replies.map((data, i) => sendInPieces(sockets[i] as Socket, replyOf(data), ends)));
  const done = await Promise.all(results);
  for (const data of replies) {
    assertOutput(
      done.find(({ outputs }) => outputs[0]?.data.length === data.length) as ExecutionResult,
      data,
    );
  }
});

test('what is held is not overwritten by later replies; what was let go is used again', async t => {
  const { worker, client } = await start(t);
  const exchange = async (data: Uint8Array): Promise<ExecutionResult> => {
    const result = ask(client);
    await sendInPieces(await worker.next(), replyOf(data), [100_000]);
    return result;
  };
  const held = await exchange(noise(400_000, 1));
  const memory = new Set<ArrayBufferLike | undefined>();
  for (let seed = 2; seed < 12; seed++) {
    const passing = await exchange(noise(400_000, seed));
    assertOutput(passing, noise(400_000, seed));
    memory.add(passing.outputs[0]?.data.buffer);
    passing.lease?.release();
  }
  assertOutput(held, noise(400_000, 1));
  assert.equal(memory.size, 1);
  assert.ok(!memory.has(held.outputs[0]?.data.buffer));
});

test('a worker that dies within its reply fails the call, and the next reply is whole', async t => {
  const { worker, client } = await start(t);
  const cut = ask(client);
  const socket = await worker.next();
  socket.write(replyOf(noise(400_000, 1)).subarray(0, 200_000), () => socket.destroy());
  await assert.rejects(cut, { code: 'worker-failed' });
  const next = ask(client);
  await sendInPieces(await worker.next(), replyOf(noise(400_000, 2)), [300_000]);
  assertOutput(await next, noise(400_000, 2));
});

test('a worker that sends more than it said fails alone', async t => {
  const { worker, client } = await start(t);
  const result = ask(client);
  const data = noise(100_000, 1);
  const socket = await worker.next();
  socket.write(Buffer.concat([replyOf(data), Buffer.from('more than was said')]));
  assertOutput(await result, data);
  await once(socket, 'close');
  const next = ask(client);
  await sendInPieces(await worker.next(), replyOf(data), []);
  assertOutput(await next, data);
});
