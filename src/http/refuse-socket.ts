/** Answers to bytes that are no request, written on the bare socket. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../errors.ts';
import type { Connections } from './connections.ts';
import { LINGER_MS } from './linger.ts';
import { STATUS } from './status.ts';
import { TurnByTurn } from './turn-by-turn.ts';

/** Five hundred slow senders that timed out together held everybody up for 20 to 140 ms. */
const refusals = new TurnByTurn(8);

interface Refusal {
  readonly code: ErrorCode;
  readonly text: string;
}

const MALFORMED: Refusal = { code: 'invalid', text: 'malformed HTTP request' };
/** By Node's error code; everything else is malformed. */
const REFUSALS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ['HPE_HEADER_OVERFLOW', { code: 'headers-too-large', text: 'request line and headers are too large' }],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', { code: 'too-large', text: 'chunk extensions are too large' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { code: 'request-timeout', text: 'the request was sent too slowly' }],
]);

/**
 * Refuses a connection whose bytes are malformed or late, once. Answers are written whole, so this one never lands
 * inside another. The client's further bytes are thrown away for a moment, so that no reset overtakes the answer.
 */
export function refuseSocket(
  connections: Connections,
  error: Error & { code?: string },
  socket: Socket,
): void {
  const gone = error.code === 'ECONNRESET' || !socket.writable;
  const refusal = REFUSALS.get(error.code ?? '') ?? MALFORMED;
  if (!connections.refuse(socket, gone ? 'cancelled' : refusal.code)) return;
  if (gone) socket.destroy();
  else refusals.add(() => sayAndEnd(socket, STATUS[refusal.code], refusal.text));
}

/** CONNECT asks for a tunnel; there is none, whatever its target. */
export function refuseConnect(socket: Duplex): void {
  sayAndEnd(socket, STATUS['method-not-allowed'], 'Method Not Allowed', 'allow: GET, HEAD, POST\r\n');
}

function sayAndEnd(socket: Duplex, status: number, text: string, headers = ''): void {
  const body = JSON.stringify({ error: text });
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('end', () => socket.destroy());
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n${headers}` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
