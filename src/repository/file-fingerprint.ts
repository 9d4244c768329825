/** Cheap identity of a file's content, and the real one. */
import { createHash } from 'node:crypto';
import { type BigIntStats, createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { OnnxWalk } from './onnx-walk.ts';

/** Equal as long as nobody has touched the file. */
export type Fingerprint = string;

export interface FileLook {
  readonly fingerprint: Fingerprint;
  readonly modifiedMs: number;
  readonly bytes: number;
  readonly hardLinks: number;
}

/** Looks at a regular file; undefined when there is none. */
export async function lookAtFile(file: string): Promise<FileLook | undefined> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined);
  return stats?.isFile() === true ? lookOf(stats) : undefined;
}

function lookOf({ ino, size, mtimeNs, ctimeNs, mtimeMs, nlink }: BigIntStats): FileLook {
  return {
    fingerprint: `${ino} ${size} ${mtimeNs} ${ctimeNs}`,
    modifiedMs: Number(mtimeMs),
    bytes: Number(size),
    hardLinks: Number(nlink),
  };
}

export interface FileContent {
  /** Lower-case hex. */
  readonly sha256: string;
  /** External data it names; empty for what is not an ONNX file. */
  readonly locations: readonly string[];
  /** Why it is not a complete ONNX file; ''. */
  readonly problem: string;
}

/**
 * Reads a file once, 64 KiB at a time so that the event loop is never held: its SHA-256 and, of an ONNX file,
 * the external data it names. Rejects when it cannot be read.
 */
export async function readContent(file: string, kind: 'onnx' | 'data'): Promise<FileContent> {
  const hash = createHash('sha256');
  const walk = kind === 'onnx' ? new OnnxWalk() : undefined;
  for await (const chunk of createReadStream(file)) {
    hash.update(chunk as Buffer);
    walk?.push(chunk as Buffer);
  }
  return {
    sha256: hash.digest('hex'),
    locations: [...(walk?.locations ?? [])],
    problem: walk?.problem() ?? '',
  };
}
