/** One client that asks nonces on a connection of its own, some of them pipelined, and may leave at any time. */
import { connect, type Socket } from 'node:net';
import type { Address } from '../../src/load/connection.ts';
import type { Question } from './cross-talk-question.ts';
import type { CrossTalkTally } from './cross-talk-tally.ts';
import { NonceReplies, type NonceReply } from './nonce-replies.ts';

/** Where questions come from, and go once they are answered. */
export interface Questions {
  /** One with the next nonce of this asker in it. */
  next(asker: number, sequence: number): Question;
  giveBack(question: Question): void;
}

export interface AskerOptions {
  readonly address: Address;
  readonly asker: number;
  /** Requests that are under way at once. */
  readonly depth: number;
  /** The part of its requests under which it leaves; 0: never. */
  readonly leaves: number;
  /** Between an answer and what is asked next, ms; 0: at once. */
  readonly pauseMs: number;
  readonly questions: Questions;
  readonly tally: CrossTalkTally;
  readonly random: () => number;
}

const READ_BYTES = 64 * 1024;
const RECONNECT_MS = 50;

export class Asker {
  readonly #options: AskerOptions;
  /** In the order they were sent, which is that of their answers. */
  readonly #pending: Question[] = [];
  #socket: Socket | undefined;
  #sequence = 0;
  /** What comes on this connection is nobody's any more. */
  #isLeaving = false;
  #isStopping = false;
  #over: (() => void) | undefined;

  constructor(options: AskerOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isStopping) return;
    this.#isLeaving = false;
    const replies = new NonceReplies(reply => this.#answered(reply));
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const callback = (size: number): boolean => this.#read(replies, buffer.subarray(0, size));
    const socket = connect({ ...this.#options.address, noDelay: true, onread: { buffer, callback } });
    this.#socket = socket;
    socket.once('connect', () => this.#ask());
    socket.on('error', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.once('close', () => this.#closed());
  }

  /** Resolves when its last answer has come. */
  stop(): Promise<void> {
    this.#isStopping = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#over = resolve;
    this.#endWhenDone();
    return promise;
  }

  #ask(): void {
    const { depth, leaves, random } = this.#options;
    const socket = this.#socket as Socket;
    if (depth > 1) socket.cork();
    while (!this.#isStopping && !this.#isLeaving && !socket.destroyed && this.#pending.length < depth) {
      const isLast = leaves > 0 && random() < leaves;
      this.#send(socket, isLast && random() < 0.3);
      if (isLast) this.#leave(socket);
    }
    if (depth > 1) socket.uncork();
    this.#endWhenDone();
  }

  #send(socket: Socket, onlyAPart: boolean): void {
    const { asker, questions, random } = this.#options;
    const question = questions.next(asker, this.#sequence++);
    const { bytes } = question;
    this.#pending.push(question);
    socket.write(onlyAPart ? bytes.subarray(0, Math.floor(bytes.length * random())) : bytes);
  }

  /** Politely, rudely or after a moment, in which an answer may be on its way. */
  #leave(socket: Socket): void {
    const { random, tally } = this.#options;
    this.#isLeaving = true;
    tally.left += this.#pending.length;
    // Bytes of theirs may still wait to be sent: they are not used again.
    this.#pending.length = 0;
    const end = () => (random() < 0.5 ? socket.destroy() : socket.resetAndDestroy());
    if (random() < 0.3) end();
    else setTimeout(end, random() * 5);
  }

  #read(replies: NonceReplies, bytes: Buffer): boolean {
    const socket = this.#socket as Socket;
    try {
      replies.read(bytes);
    } catch (error) {
      this.#options.tally.tell({ kind: 'failed', said: (error as Error).message });
      socket.destroy();
    }
    return !socket.destroyed;
  }

  #answered(reply: NonceReply): void {
    const { questions, tally, pauseMs } = this.#options;
    const question = this.#pending.shift();
    // Of what it left behind.
    if (question === undefined) return;
    tally.answer(question, reply);
    questions.giveBack(question);
    if (pauseMs === 0) this.#ask();
    else setTimeout(() => this.#ask(), pauseMs * 2 * this.#options.random());
  }

  #closed(): void {
    const { tally } = this.#options;
    tally.lost += this.#pending.length;
    this.#pending.length = 0;
    if (this.#isStopping) this.#endWhenDone();
    else setTimeout(() => this.start(), this.#options.leaves > 0 ? 1 : RECONNECT_MS);
  }

  #endWhenDone(): void {
    if (!this.#isStopping || this.#pending.length > 0) return;
    this.#socket?.destroy();
    this.#over?.();
  }
}
