/**
 * Answering before the body has been read. Closing at once would reset the connection while the client is still
 * sending, and the reset can overtake the answer; so the answer is sent, and what the client still sends is thrown
 * away for a short while before the connection closes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ReadPacer } from './read-pacer.ts';

/** A rest of at most this many bytes is read and dropped, and the connection lives on. */
const SHORT_REST_BYTES = 64 * 1024;
const LINGER_BYTES = 4 * 1024 * 1024;
export const LINGER_MS = 500;

/** Whether reading the rest of the body, only to keep the connection, would be a waste, or take unknown time. */
export function hasLongUnreadBody(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const { headers } = request;
  if (headers['transfer-encoding'] !== undefined) return true;
  return headers['content-length'] !== undefined && Number(headers['content-length']) > SHORT_REST_BYTES;
}

/** The answer is written but not ended. Ends it, and so the connection, when the client stops, or time or bytes run out. */
export function lingerThenEnd(request: IncomingMessage, response: ServerResponse): void {
  let restBytes = LINGER_BYTES;
  const end = (): void => {
    clearTimeout(timer);
    if (!response.writableEnded) response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  timer.unref();
  const pacer = new ReadPacer(request);
  request.on('data', (chunk: Buffer) => {
    pacer.noteChunk();
    restBytes -= chunk.length;
    if (restBytes < 0) end();
  });
  request.once('close', end);
  response.uncork();
}
