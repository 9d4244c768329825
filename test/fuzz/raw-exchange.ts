/** Any bytes on a connection of their own, and what comes back until the server ends it. */
import { connect, type Socket } from 'node:net';
import type { Answer } from './judge.ts';

export interface RawOutcome {
  readonly answers: readonly Answer[];
  /** `silent`: within a second of the client's end, the server had not ended the connection. */
  readonly end: 'closed' | 'silent' | 'no connection';
}

/** Behind every case: whatever it leaves whole is followed by a request that ends the connection. */
const LAST = Buffer.from('\r\n\r\nGET /v2/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
/** After so long without a byte the client has said all it will, ms. */
const QUIET_MS = 25;
export const SILENT_MS = 1000;

/** The client sends and is gone: nothing comes of it but what it may leave behind. Never rejects. */
export function sendAndLeave(port: number, bytes: Buffer): Promise<RawOutcome> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('connect', () => socket.write(bytes, () => socket.resetAndDestroy()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ answers: [], end: 'closed' }));
  });
}

/** Never rejects. */
export function exchangeRaw(port: number, bytes: Buffer): Promise<RawOutcome> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const received: Buffer[] = [];
    let connected = false;
    let timer = setTimeout(() => finish('silent'), SILENT_MS);
    const finish = (end: RawOutcome['end']): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ answers: answersIn(Buffer.concat(received)), end });
    };
    const rest = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        socket.end();
        timer = setTimeout(() => finish('silent'), SILENT_MS);
      }, QUIET_MS);
    };
    socket.on('connect', () => {
      connected = true;
      send(socket, bytes);
      rest();
    });
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      rest();
    });
    socket.on('error', () => finish(connected ? 'closed' : 'no connection'));
    socket.on('close', () => finish('closed'));
  });
}

function send(socket: Socket, bytes: Buffer): void {
  socket.write(bytes);
  socket.write(LAST);
}

const NEXT = Buffer.from('HTTP/1.1 ');
const TEXT_BYTES = 2000;

/** An answer to HEAD announces a body and has none; one in chunks ends where the next begins. */
function answersIn(bytes: Buffer): Answer[] {
  const answers: Answer[] = [];
  for (let rest = bytes; ; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return answers;
    const head = rest.toString('latin1', 0, end);
    const behind = rest.subarray(end + 4);
    const length = bodyBytes(head, behind);
    const body = behind.subarray(0, length);
    answers.push({ status: Number(head.slice(9, 12)), text: body.toString('utf8', 0, TEXT_BYTES) });
    rest = behind.subarray(length);
  }
}

function bodyBytes(head: string, behind: Buffer): number {
  if (behind.subarray(0, NEXT.length).equals(NEXT)) return 0;
  const announced = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (announced !== undefined) return Number(announced);
  const next = behind.indexOf(NEXT);
  return next < 0 ? behind.length : next;
}
