import { createGunzip, createInflate } from 'node:zlib';
import { GatewayError } from '../errors.ts';
import type { Reservation } from './byte-budget.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import type { ContentEncoding } from './request-head.ts';

/** The size of one step of inflation: what a bomb can cost beyond the limit, and a sync copy of a few µs. */
const STEP_BYTES = 64 * 1024;

/**
 * The body behind its content encoding. Rejects with `too-large` as soon as the inflated bytes pass `maxBytes`,
 * `overloaded` when the process holds too many, `invalid` when the bytes are corrupt or end early.
 */
export function inflate(
  body: Buffer,
  encoding: Exclude<ContentEncoding, 'identity'>,
  maxBytes: number,
  reservation: Reservation,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const inflated = new GrowingBuffer(maxBytes);
    const stream = (encoding === 'gzip' ? createGunzip : createInflate)({ chunkSize: STEP_BYTES });
    stream.on('data', (chunk: Buffer) => {
      try {
        if (inflated.length + chunk.length > maxBytes) throw tooLarge(maxBytes);
        reservation.take(chunk.length);
        inflated.append(chunk);
      } catch (thrown) {
        stream.destroy(GatewayError.from(thrown));
      }
    });
    stream.once('end', () => resolve(inflated.bytes()));
    stream.once('error', thrown =>
      reject(thrown instanceof GatewayError ? thrown : corrupt(encoding, thrown)),
    );
    stream.end(body);
  });
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('too-large', `inflated request body: expected at most ${maxBytes} bytes`);
}

function corrupt(encoding: string, cause: unknown): GatewayError {
  return new GatewayError('invalid', `request body: not a complete ${encoding} stream`, { cause });
}
