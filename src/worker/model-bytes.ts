/**
 * Reads the files a load order names, and only those bytes whose hash the order gives: a half-copied or replaced
 * file never serves. Synchronous; runs on a run thread.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { GatewayError } from '../errors.ts';
import type { ExternalData, LoadOrder } from '../protocol/load-order.ts';

export interface ModelBytes {
  readonly model: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Throws `invalid` when a file is missing, is not what the order says, or lies where external data must not. */
export function readModelBytes(order: LoadOrder): ModelBytes {
  return {
    model: readChecked(order.file, order.sha256, 'model file'),
    externalData: order.externalData.map(data => ({ path: data.path, data: readExternalData(order, data) })),
  };
}

/** A symlink out of the model's folder or a second hard link could make a model read what its owner may not. */
function readExternalData(order: LoadOrder, { path: name, file, sha256 }: ExternalData): Uint8Array {
  const label = `external data '${name}'`;
  const real = resolved(file, label);
  const folders = [
    path.dirname(resolved(order.file, 'model file')),
    resolved(path.dirname(order.file), label),
  ];
  if (!folders.some(folder => real.startsWith(`${folder}${path.sep}`))) {
    throw new GatewayError('invalid', `${label} lies outside the model's folder`);
  }
  return readChecked(real, sha256, label, 1);
}

function resolved(file: string, label: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    throw cannotRead(label, error);
  }
}

function readChecked(
  file: string,
  sha256: string,
  label: string,
  maxLinks = Number.POSITIVE_INFINITY,
): Uint8Array {
  const bytes = readWhole(file, label, maxLinks);
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  throw new GatewayError('invalid', `${label}: content changed while loading`);
}

function readWhole(file: string, label: string, maxLinks: number): Uint8Array {
  let fd: number | undefined;
  try {
    // Without NONBLOCK a named pipe would hold this thread for ever.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size, nlink, isFile } = describe(fd);
    if (!isFile) throw new GatewayError('invalid', `${label} is not a regular file`);
    if (nlink > maxLinks) throw new GatewayError('invalid', `${label} has more than one hard link`);
    return readExactly(fd, size);
  } catch (error) {
    throw error instanceof GatewayError ? error : cannotRead(label, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function describe(fd: number): { size: number; nlink: number; isFile: boolean } {
  const stats = fstatSync(fd);
  return { size: stats.size, nlink: stats.nlink, isFile: stats.isFile() };
}

/** A file that shrinks meanwhile leaves zeros, which the hash refuses. */
function readExactly(fd: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const read = readSync(fd, bytes, at, Math.min(size - at, 2 ** 30), at);
    if (read === 0) break;
    at += read;
  }
  return bytes;
}

/** Only the code: the system's message holds the path. */
function cannotRead(label: string, error: unknown): GatewayError {
  const code = (error as { code?: unknown }).code;
  return new GatewayError(
    'invalid',
    `${label} cannot be read (${typeof code === 'string' ? code : 'error'})`,
    {
      cause: error,
    },
  );
}
