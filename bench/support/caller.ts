import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/**
 * How a call can end without an answer: `refused`: no connection, so nothing was accepted; `lost`: the connection
 * ended after the request was written; `fresh` when it was the connection's first request.
 */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly kind: 'refused' | 'lost';
  readonly fresh: boolean;

  constructor(kind: 'refused' | 'lost', fresh: boolean, detail: string) {
    super(`${kind}: ${detail}`);
    this.kind = kind;
    this.fresh = fresh;
  }
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: CallFailed) => void;
}

/**
 * One keep-alive HTTP client over one connection at a time, which never retries: what it sends is answered or the
 * call fails. It obeys `connection: close` and connects again for the next call. One call at a time.
 */
export class Caller {
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer[] = [];
  #size = 0;
  #head: { readonly status: number; readonly headers: Map<string, string>; readonly end: number } | undefined;
  #waiting: Waiting | undefined;
  #answered = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async call(request: Uint8Array): Promise<Reply> {
    const socket = this.#socket ?? (await this.#connect());
    return new Promise<Reply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      socket.write(request);
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #connect(): Promise<Socket> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    try {
      await once(socket, 'connect');
    } catch (error) {
      throw new CallFailed('refused', true, String((error as NodeJS.ErrnoException).code));
    }
    this.#socket = socket;
    this.#answered = 0;
    socket.on('data', chunk => this.#receive(chunk as Buffer));
    socket.on('error', error => this.#lose(socket, String((error as NodeJS.ErrnoException).code)));
    socket.on('close', () => this.#lose(socket, 'closed'));
    return socket;
  }

  #lose(socket: Socket, detail: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#forget();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new CallFailed('lost', this.#answered === 0, detail));
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#size += chunk.length;
    if (this.#head === undefined) {
      if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
      this.#head = readHead(this.#received[0] as Buffer);
    }
    const head = this.#head;
    if (head === undefined) return;
    const end = head.end + Number(head.headers.get('content-length'));
    if (Number.isNaN(end)) throw new Error('an answer without content-length');
    if (this.#size < end) return;
    const body = Buffer.concat(this.#received).subarray(head.end, end);
    this.#answer({ status: head.status, headers: head.headers, body });
  }

  #answer(reply: Reply): void {
    this.#forget();
    this.#answered++;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (reply.headers.get('connection') === 'close') {
      const socket = this.#socket;
      this.#socket = undefined;
      socket?.end();
    }
    waiting?.resolve(reply);
  }

  #forget(): void {
    this.#received = [];
    this.#size = 0;
    this.#head = undefined;
  }
}

function readHead(bytes: Buffer): { status: number; headers: Map<string, string>; end: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = new Map(
    lines.map(line => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(statusLine.split(' ')[1]), headers, end: end + 4 };
}
