/** One connection on which well-framed requests follow each other, each answered in its turn. */
import { connect, type Socket } from 'node:net';
import type { Answer } from './judge.ts';
import { SILENT_MS } from './raw-exchange.ts';

/** `cut off`: the server ended the connection before its turn had come, or said before that it would. */
export type InferOutcome = Answer | 'silent' | 'closed' | 'cut off' | 'no connection';

interface Waiting {
  readonly resolve: (outcome: InferOutcome) => void;
}

const LENGTH = /\r\ncontent-length: *(\d+)/i;
const LAST = /\r\nconnection: *close/i;
const TEXT_BYTES = 2000;

export class InferConnection {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  readonly #timer: NodeJS.Timeout;
  #received: Buffer = Buffer.alloc(0);
  #isLast = false;
  #ended = false;
  #connected = false;
  /** When the one whose turn it is began to be waited for. */
  #since = 0;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('connect', () => {
      this.#connected = true;
    });
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', () => this.#end('closed'));
    this.#socket.on('close', () => this.#end('closed'));
    this.#timer = setInterval(() => this.#look(), SILENT_MS / 8);
  }

  get isOver(): boolean {
    return this.#ended || this.#isLast;
  }

  /** Never rejects. */
  ask(bytes: Buffer): Promise<InferOutcome> {
    if (this.isOver) return Promise.resolve('cut off');
    if (this.#waiting.length === 0) this.#since = performance.now();
    this.#socket.write(bytes);
    return new Promise(resolve => this.#waiting.push({ resolve }));
  }

  close(): void {
    this.#end('cut off');
  }

  #look(): void {
    if (this.#waiting.length > 0 && performance.now() - this.#since > SILENT_MS) this.#end('silent');
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#received.toString('latin1', 0, end);
      const bodyAt = end + 4;
      const next = bodyAt + Number(LENGTH.exec(head)?.[1] ?? 0);
      if (this.#received.length < next) return;
      const body = this.#received.toString('utf8', bodyAt, Math.min(next, bodyAt + TEXT_BYTES));
      this.#received = this.#received.subarray(next);
      this.#answer(Number(head.slice(9, 12)), body, LAST.test(head));
    }
  }

  #answer(status: number, text: string, isLast: boolean): void {
    if (status < 200) return;
    this.#since = performance.now();
    this.#waiting.shift()?.resolve({ status, text });
    if (!isLast) return;
    this.#isLast = true;
    this.#end('cut off');
  }

  /** Only the first was waited for; what stood behind it was cut off. */
  #end(first: 'silent' | 'closed' | 'cut off'): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#socket.destroy();
    const outcome = this.#connected ? first : 'no connection';
    for (const [turn, { resolve }] of this.#waiting.splice(0).entries()) {
      resolve(turn === 0 || outcome === 'no connection' ? outcome : 'cut off');
    }
  }
}
