/** A real gateway whose models are all served by one foreign server. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerRow } from '../../src/admin/service.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { writeRepository } from '../support/repository.ts';
import { pythonOf, SERVERS, type ServerName } from './environment.ts';
import { ForeignServer } from './foreign-server.ts';

export interface Subject extends AsyncDisposable {
  readonly name: ServerName;
  readonly server: ForeignServer;
  readonly gateway: Headgate;
}

export interface IndexEntry {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
}

/** The server is ready; so is what it serves, or it is known why not. */
export async function startSubject(name: ServerName): Promise<Subject> {
  const server = await ForeignServer.prepare(name);
  await server.start();
  const repository = await mkdtemp(path.join(tmpdir(), 'headgate-remote-check-'));
  await writeRepository(repository, modelsOn(name, server.url));
  const gateway = await startHeadgate({ repository });
  const dispose = async (): Promise<void> => {
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await rm(repository, { recursive: true, force: true });
  };
  return { name, server, gateway, [Symbol.asyncDispose]: dispose };
}

function modelsOn(name: ServerName, url: string): Parameters<typeof writeRepository>[1] {
  const model = (more = '') => ({ versions: {}, config: `remote: [{ url: "${url}"${more} }]\n` });
  return {
    affine: model(', concurrency: 1'),
    centred: model(),
    picky: model(', concurrency: 4'),
    echo: model(),
    binary: model(', model: affine, binary: true'),
    absent: model(),
    untyped_affine: model(),
    // KServe's knows no versions.
    versioned: model(`, model: affine${name === 'mlserver' ? ', version: "3"' : ''}`),
    unversioned: model(', model: affine, version: "17"'),
  };
}

export async function indexOf(subject: Subject, model: string): Promise<IndexEntry> {
  const response = await fetch(`${subject.gateway.url}/v2/repository/index`, { method: 'POST' });
  const entries = (await response.json()) as IndexEntry[];
  const found = entries.find(({ name }) => name === model);
  if (found === undefined) throw new Error(`${model} is not in the index`);
  return found;
}

/** Of the remote of a model, as operators see it. */
export async function remoteState(subject: Subject, model: string): Promise<WorkerRow> {
  const rows = (await (await fetch(`${subject.gateway.adminUrl}/v1/workers`)).json()) as WorkerRow[];
  const found = rows.find(row => row.device === 'remote' && row.models?.[0]?.model === model);
  if (found === undefined) throw new Error(`no worker row of ${model}`);
  return found;
}

/** Resolves to how long it took, ms; throws when it takes longer than `limitMs`. */
export async function untilState(subject: Subject, model: string, state: string, limitMs: number) {
  const startedMs = performance.now();
  for (;;) {
    const row = await remoteState(subject, model);
    const ageMs = performance.now() - startedMs;
    if (row.state === state) return ageMs;
    if (ageMs > limitMs) throw new Error(`${model} is ${row.state} (${row.detail}), expected ${state}`);
    await sleep(50);
  }
}

export interface NumpyAnswer {
  readonly y: readonly (readonly number[])[];
  readonly top: readonly number[];
}

/** What numpy says to rows of `affine`. */
export function numpySays(subject: Subject, rows: readonly (readonly number[])[]): NumpyAnswer {
  const script = path.join(SERVERS, 'numpy_says.py');
  const said = execFileSync(pythonOf(subject.name), [script], {
    input: JSON.stringify(rows),
    encoding: 'utf8',
  });
  return JSON.parse(said) as NumpyAnswer;
}
