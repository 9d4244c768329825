/** Bytes to a port, and every response that comes back. No HTTP library stands between the test and the wire. */
import { connect, type Socket } from 'node:net';

export interface RawResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface RawAnswer {
  /** Interim responses included. */
  readonly responses: readonly RawResponse[];
  /** Whether the server ended the connection. */
  readonly closed: boolean;
}

/** A piece of a request; `times` repeats it without holding it all. */
export type Piece = string | Buffer | { readonly piece: string | Buffer; readonly times: number };

/**
 * Sends the pieces and waits for `finals` final responses, or, without a number, for the server to end the
 * connection. A `head` response carries no body.
 */
export async function sendRaw(
  port: number,
  pieces: Iterable<Piece>,
  { finals = Infinity, head = false } = {},
): Promise<RawAnswer> {
  const socket = connect({ port, host: '127.0.0.1' });
  const received: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk);
    if (countFinals(parseResponses(Buffer.concat(received), head)) >= finals) resolve(false);
  });
  // A reset is one way for a server to end a connection; what was received before it counts.
  socket.on('error', () => resolve(true));
  socket.once('close', () => resolve(true));
  socket.once('end', () => resolve(true));
  void sendPieces(socket, pieces);
  const closed = await promise;
  socket.destroy();
  return { responses: parseResponses(Buffer.concat(received), head), closed };
}

async function sendPieces(socket: Socket, pieces: Iterable<Piece>): Promise<void> {
  for (const piece of pieces) {
    const { piece: bytes, times } =
      typeof piece === 'object' && 'times' in piece ? piece : { piece, times: 1 };
    const perWrite = Math.max(1, Math.floor(65_536 / Buffer.byteLength(bytes)));
    for (let left = times; left > 0; left -= perWrite) {
      if (socket.destroyed) return;
      const chunk = repeat(bytes, Math.min(left, perWrite));
      if (!socket.write(chunk)) await Promise.race([event(socket, 'drain'), event(socket, 'close')]);
    }
  }
}

function repeat(bytes: string | Buffer, times: number): string | Buffer {
  if (times === 1) return bytes;
  return typeof bytes === 'string' ? bytes.repeat(times) : Buffer.concat(Array(times).fill(bytes));
}

function event(socket: Socket, name: string): Promise<void> {
  return new Promise(resolve => socket.once(name, () => resolve()));
}

function countFinals(responses: readonly RawResponse[]): number {
  return responses.filter(response => response.status >= 200).length;
}

/** The complete responses in the bytes; all ours have a content-length. */
export function parseResponses(bytes: Buffer, head = false): RawResponse[] {
  const responses: RawResponse[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) return responses;
    const [statusLine = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n');
    const headers = new Map(lines.map(line => [nameOf(line), line.slice(line.indexOf(':') + 1).trim()]));
    const status = Number(statusLine.split(' ')[1]);
    const length = head || status < 200 ? 0 : Number(headers.get('content-length') ?? 0);
    if (end + 4 + length > bytes.length) return responses;
    responses.push({ status, headers, body: bytes.subarray(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(':')).toLowerCase();
}
