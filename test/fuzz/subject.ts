/** The server under fuzz: Headgate, or in a control one that is broken on purpose. */
import path from 'node:path';
import { processTree } from '../../bench/support/process-tree.ts';
import { TempFolder } from '../../bench/support/temp-folder.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { writeRepository } from '../support/onnx.ts';
import { FUZZ_MODELS } from './fuzz-models.ts';

export interface Subject {
  /** Of the data plane; another after a restart. */
  readonly port: number;
  readonly adminPort: number;
  /** How its main process ended; undefined while it lives. */
  died(): string | undefined;
  /** The processes that must live as long as it does. */
  workers(): Promise<readonly number[]>;
  /** Resident memory of all its processes. */
  rssBytes(): number;
  restart(): Promise<void>;
}

const MIB = 1024 * 1024;
/** Small enough that a case can reach each. */
const LIMITS = { maxBodyBytes: MIB, maxInflatedBytes: 2 * MIB };

export class FuzzedHeadgate implements Subject, AsyncDisposable {
  readonly #folder: TempFolder;
  #headgate: Headgate;

  private constructor(folder: TempFolder, headgate: Headgate) {
    this.#folder = folder;
    this.#headgate = headgate;
  }

  static async start(): Promise<FuzzedHeadgate> {
    const folder = await TempFolder.create();
    const models = Object.fromEntries(FUZZ_MODELS.map(({ name, files }) => [name, files]));
    await writeRepository(path.join(folder.path, 'models'), models);
    return new FuzzedHeadgate(folder, await start(folder));
  }

  get port(): number {
    return Number(new URL(this.#headgate.url).port);
  }

  get adminPort(): number {
    return Number(new URL(this.#headgate.adminUrl).port);
  }

  died(): string | undefined {
    const { exitCode, signalCode } = this.#headgate.process;
    if (exitCode === null && signalCode === null) return undefined;
    return `${signalCode ?? `exit code ${exitCode}`}: ${this.#headgate.output().slice(-600)}`;
  }

  async workers(): Promise<readonly number[]> {
    const answer = await fetch(`${this.#headgate.adminUrl}/v1/workers`);
    const rows = (await answer.json()) as { pid?: number }[];
    return rows.flatMap(({ pid }) => pid ?? []);
  }

  rssBytes(): number {
    return processTree(this.#headgate.pid).reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  }

  async restart(): Promise<void> {
    await this.#headgate[Symbol.asyncDispose]();
    this.#headgate = await start(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#headgate[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

function start(folder: TempFolder): Promise<Headgate> {
  return startHeadgate({
    repository: path.join(folder.path, 'models'),
    config: { limits: LIMITS, log: { level: 'warn' }, workers: { spares: 0 } },
  });
}
