/** What a model takes and gives, as its server says: Headgate, Triton or anything else with the protocol's version 2. */
import { GatewayError } from '../errors.ts';
import type { ModelSignature } from '../inference.ts';
import { parseModelMetadata } from '../protocol/model-metadata.ts';

export interface ServerAddress {
  /** As given, without a slash at the end: `http://localhost:8000`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** What comes before `/v2` in paths; mostly ''. */
  readonly prefix: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface DescribedModel {
  readonly name: string;
  /** As asked for; undefined: whichever the server chooses. */
  readonly version: string | undefined;
  readonly signature: ModelSignature;
}

/** The target cannot be measured, and the message says what to do about it. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

const MAX_METADATA_BYTES = 4 * 2 ** 20;
const TIMEOUT_MS = 10_000;
const MAX_NAMED = 12;

/** Throws TargetError where the text is no `http://host[:port]`. */
export function serverAddress(text: string, headers: Readonly<Record<string, string>> = {}): ServerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:')
    throw new TargetError(`${text}: https is not supported; measure the server without the proxy before it`);
  if (url?.protocol !== 'http:')
    throw new TargetError(`'${text}' is no URL; expected one such as http://localhost:8000`);
  const prefix = url.pathname.replace(/\/(v2\/?)?$/, '');
  return {
    url: `http://${url.host}${prefix}`,
    host: url.hostname.replaceAll(/[[\]]/g, ''),
    port: Number(url.port || 80),
    prefix,
    headers,
  };
}

/** The path of a model, or of one version of it. */
export function modelPath({ prefix }: ServerAddress, model: string, version: string | undefined): string {
  const at = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
  return `${prefix}/v2/models/${encodeURIComponent(model)}${at}`;
}

/** Throws TargetError when the server cannot be reached, speaks no OIP v2, or has no such model or version. */
export async function describeModel(
  server: ServerAddress,
  model: string,
  version: string | undefined,
): Promise<DescribedModel> {
  const { status, json, text } = await ask(server, 'GET', modelPath(server, model, version));
  if (status !== 200) throw await explain(server, model, version, status, errorOf(json) ?? text);
  try {
    return { name: model, version, signature: parseModelMetadata(json) };
  } catch (error) {
    const detail = error instanceof GatewayError ? error.message : String(error);
    throw new TargetError(`${server.url} does not describe '${model}' as OIP v2 does: ${detail}`);
  }
}

async function explain(
  server: ServerAddress,
  model: string,
  version: string | undefined,
  status: number,
  said: string,
): Promise<TargetError> {
  const versions = version === undefined ? undefined : await versionsOf(server, model);
  if (versions !== undefined) {
    const known = versions.length === 0 ? '' : `; it has ${named(versions)}`;
    return new TargetError(`model '${model}' has no version '${version}' at ${server.url}${known}`);
  }
  const models = await modelsOf(server);
  if (models !== undefined && !models.includes(model)) {
    const known = models.length === 0 ? 'it has no models' : `it has ${named(models)}`;
    return new TargetError(`${server.url} has no model '${model}'; ${known}`);
  }
  if (models !== undefined)
    return new TargetError(
      `${server.url} lists model '${model}' but answered ${status} when asked to describe it: ${printable(said)}. Is it loaded, and is this the data plane? (Headgate's is port 8000.)`,
    );
  return new TargetError(
    `${server.url} answered ${status} when asked for model '${model}': is this the data plane of a server that speaks Open Inference Protocol v2? (Headgate's is port 8000.)`,
  );
}

/** Undefined where the server does not know the model itself, either. */
async function versionsOf(server: ServerAddress, model: string): Promise<string[] | undefined> {
  const { status, json } = await ask(server, 'GET', modelPath(server, model, undefined));
  if (status !== 200) return undefined;
  const versions = (json as { versions?: unknown } | undefined)?.versions;
  return Array.isArray(versions) ? versions.map(String) : [];
}

/** Undefined where the server has no repository index. */
async function modelsOf(server: ServerAddress): Promise<string[] | undefined> {
  const { status, json } = await ask(server, 'POST', `${server.prefix}/v2/repository/index`);
  if (status !== 200 || !Array.isArray(json)) return undefined;
  return [...new Set(json.map((entry: { name?: unknown } | null) => String(entry?.name)))];
}

interface Answered {
  readonly status: number;
  /** Undefined where the body was none. */
  readonly json: unknown;
  readonly text: string;
}

async function ask(server: ServerAddress, method: string, path: string): Promise<Answered> {
  const origin = `http://${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`;
  let response: Response;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(origin + path, { method, headers: server.headers, signal, redirect: 'manual' });
    const text = await boundedText(response);
    return { status: response.status, json: parse(text), text };
  } catch (error) {
    throw new TargetError(unreachable(server.url, error));
  }
}

async function boundedText({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > MAX_METADATA_BYTES) throw new Error(`it answered with more than ${MAX_METADATA_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(url: string, error: unknown): string {
  const cause = (error as { cause?: NodeJS.ErrnoException }).cause;
  if (cause?.code === 'ECONNREFUSED')
    return `nothing listens at ${url}; is the server running? (headgate serve starts one)`;
  if (cause?.code === 'ENOTFOUND') return `no host is known by the name in ${url}`;
  if ((error as Error).name === 'TimeoutError') return `${url} did not answer within ${TIMEOUT_MS / 1000} s`;
  return `${url} does not answer as an HTTP server: ${cause?.message ?? (error as Error).message}`;
}

function errorOf(json: unknown): string | undefined {
  const error = (json as { error?: unknown } | null | undefined)?.error;
  return typeof error === 'string' ? error : undefined;
}

function named(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).map(printable).join(', ');
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown;
}

/** What a server says is shown on a terminal. */
export function printable(text: string): string {
  return text
    .slice(0, 300)
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim();
}
