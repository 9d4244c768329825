/**
 * The order a gateway gives a worker: which bytes to load, checked how, run where. It travels as JSON text in
 * `parameters.config` of a repository load request, the place Triton's protocol leaves for it.
 */
import { GatewayError } from '../errors.ts';

export type DeviceKind = 'cpu' | 'webgpu' | 'cuda' | 'tensorrt';

/** One file of tensor data that a model names instead of holding it. */
export interface ExternalData {
  /** The name inside the model: relative, with forward slashes. */
  readonly path: string;
  /** Absolute path of the file that holds it. */
  readonly file: string;
  /** SHA-256 of the whole file, 64 lower-case hex digits. */
  readonly sha256: string;
}

export interface LoadOrder {
  /** Opaque; new content gets a new one. */
  readonly version: string;
  /** Absolute path of the `.onnx` file. */
  readonly file: string;
  /** SHA-256 of the whole file, 64 lower-case hex digits. */
  readonly sha256: string;
  readonly externalData: readonly ExternalData[];
  readonly kind: DeviceKind;
  /** Index of the GPU; ignored for `cpu`. */
  readonly device: number;
  /** Sessions, each on a run thread of its own. */
  readonly instances: number;
  /** Threads within one run. */
  readonly intraOpThreads: number;
}

const KINDS: readonly string[] = ['cpu', 'webgpu', 'cuda', 'tensorrt'] satisfies DeviceKind[];
const MAX_INSTANCES = 256;
const MAX_THREADS = 1024;
const MAX_DEVICE = 1023;
const MAX_EXTERNAL_FILES = 4096;

/** The body of a load request that carries this order. */
export function encodeLoadRequest(order: LoadOrder): string {
  return JSON.stringify({ parameters: { config: JSON.stringify(order) } });
}

/** The order in a load request's body; throws `invalid` naming the field that is wrong. */
export function parseLoadRequest(body: string): LoadOrder {
  const config = record(record(json(body, 'body'), 'body')['parameters'], 'parameters')['config'];
  return parseLoadOrder(json(text(config, 'parameters.config'), 'parameters.config'));
}

/** Checks every field; throws `invalid` naming the first one that is wrong. Unknown fields are refused. */
export function parseLoadOrder(value: unknown): LoadOrder {
  const { version, file, sha256, externalData, kind, device, instances, intraOpThreads, ...unknown } = record(
    value,
    'order',
  );
  const stray = Object.keys(unknown)[0];
  if (stray !== undefined) throw wrong(stray, 'no such field');
  return {
    version: text(version, 'version'),
    file: absolutePath(file, 'file'),
    sha256: digest(sha256, 'sha256'),
    externalData: list(externalData, 'externalData').map((item, i) =>
      parseExternalData(item, `externalData[${i}]`),
    ),
    kind: deviceKind(kind),
    device: integer(device, 'device', 0, MAX_DEVICE),
    instances: integer(instances, 'instances', 1, MAX_INSTANCES),
    intraOpThreads: integer(intraOpThreads, 'intraOpThreads', 1, MAX_THREADS),
  };
}

function parseExternalData(value: unknown, field: string): ExternalData {
  const { path, file, sha256 } = record(value, field);
  return {
    path: innerPath(path, `${field}.path`),
    file: absolutePath(file, `${field}.file`),
    sha256: digest(sha256, `${field}.sha256`),
  };
}

function wrong(field: string, expected: string): GatewayError {
  return new GatewayError('invalid', `load order: ${field}: ${expected}`);
}

function json(source: string, field: string): unknown {
  try {
    return JSON.parse(source) as unknown;
  } catch {
    throw wrong(field, 'expected JSON');
  }
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrong(field, 'expected an object');
}

function list(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_EXTERNAL_FILES) return value;
  throw wrong(field, `expected an array of at most ${MAX_EXTERNAL_FILES}`);
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw wrong(field, 'expected a non-empty string');
}

function absolutePath(value: unknown, field: string): string {
  if (typeof value === 'string' && value.startsWith('/') && !value.includes('\0')) return value;
  throw wrong(field, 'expected an absolute path');
}

/** A model must not reach out of its own folder by the name it gives its data. */
function innerPath(value: unknown, field: string): string {
  const path = text(value, field);
  const inside = !/^\/|\\|\0/.test(path) && !path.split('/').includes('..');
  if (inside) return path;
  throw wrong(field, "expected a relative path without '..'");
}

function digest(value: unknown, field: string): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value;
  throw wrong(field, 'expected 64 lower-case hex digits');
}

function integer(value: unknown, field: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw wrong(field, `expected an integer from ${min} to ${max}`);
}

function deviceKind(value: unknown): DeviceKind {
  if (typeof value === 'string' && KINDS.includes(value)) return value as DeviceKind;
  throw wrong('kind', `expected one of ${KINDS.join(', ')}`);
}
