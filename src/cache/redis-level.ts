import { createClient, RESP_TYPES } from '@redis/client';
import { Breaker, type BreakerState } from '../breaker.ts';
import type { ContentKey } from './content-key.ts';
import { Generations } from './generations.ts';
import type { SecondLevel } from './second-level.ts';
import { decodeShared, encodeShared } from './shared-value.ts';
import type { StoredResult } from './stored-result.ts';
import { within } from './within.ts';
import { WriteBehind } from './write-behind.ts';

export interface RedisOptions {
  /** `redis://host:port/db` or `rediss://`; without the password. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of all its keys. */
  readonly prefix: string;
  /** A look takes no longer, ms. */
  readonly timeoutMs: number;
  /** Larger values are not shared. */
  readonly maxValueBytes: number;
}

export interface RedisObserver {
  /** `why` is fit for a log: it holds neither password nor address. */
  changed(state: BreakerState | 'connected' | 'disconnected', why: string): void;
  /** A value that no Headgate wrote for its key. */
  refused(): void;
}

/** One failed look and it is not asked again until a ping has gone well: nobody waits for it twice. */
const OPEN_MS = 1000;
/** Written behind: what does not fit while Redis is slow is not shared. */
const MAX_UNWRITTEN_BYTES = 16 * 1024 * 1024;
const MAX_RECONNECT_MS = 5000;
/** How soon a purge by another gateway is known here. */
const GENERATIONS_EVERY_MS = 2000;
/** An operator waits for a purge; no request does. */
const PURGE_MS = 2000;
const BINARY = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } as const;

/**
 * Results in a Redis or Valkey server that several gateways share. It never fails anybody: a look that takes longer
 * than `timeoutMs`, or finds what it does not know, finds nothing; after one that failed nobody looks until a ping went
 * well. What is kept is written behind.
 *
 * A purge gives the model another name in its keys; other gateways learn of it within 2 s.
 *
 * Life: connects by itself, again and again, until `close`.
 */
export class RedisLevel {
  readonly #options: RedisOptions;
  readonly #observer: RedisObserver;
  readonly #client;
  readonly #binary;
  readonly #breaker: Breaker;
  readonly #poll: NodeJS.Timeout;
  readonly #generations: Generations;
  readonly #behind = new WriteBehind(MAX_UNWRITTEN_BYTES);
  #told = '';

  constructor(
    options: RedisOptions,
    observer: RedisObserver,
    purged: (model: string, version: string | undefined) => void,
  ) {
    const { url, username, password } = options;
    this.#options = options;
    this.#observer = observer;
    this.#client = createClient({
      url,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      disableOfflineQueue: true,
      socket: {
        connectTimeout: 2000,
        reconnectStrategy: retries => Math.min(MAX_RECONNECT_MS, 100 * 2 ** Math.min(retries, 10)),
      },
    });
    this.#binary = this.#client.withCommandOptions(BINARY);
    this.#generations = this.#generationsIn(`${options.prefix}generations`, purged);
    this.#breaker = new Breaker({
      failureShare: 0,
      leastCalls: 1,
      windowMs: OPEN_MS,
      openMs: OPEN_MS,
      maxOpenMs: OPEN_MS,
      trial: () => this.#inTime(this.#client.ping()),
      changed: state => this.#tell(state, ''),
    });
    this.#client.on('error', (error: Error) => this.#tell('disconnected', reasonOf(error)));
    this.#client.on('ready', () => {
      this.#tell('connected', '');
      void this.#readGenerations();
    });
    this.#client.connect().catch(() => {});
    this.#poll = setInterval(() => void this.#readGenerations(), GENERATIONS_EVERY_MS);
    this.#poll.unref();
  }

  /** Results of one version. */
  of(model: string, version: string): SecondLevel {
    return {
      get: (keys, isUsable) =>
        this.#isUsable ? this.#get(this.#placeOf(model, version), keys, isUsable) : undefined,
      set: (key, result, ttlMs) => this.#set(this.#placeOf(model, version), key, result, ttlMs),
    };
  }

  /** Rejects when Redis was not told. */
  purge(model: string, version: string | undefined): Promise<void> {
    return this.#generations.renew(model, version);
  }

  close(): void {
    clearInterval(this.#poll);
    this.#breaker.shutDown();
    this.#client.destroy();
  }

  /** Each attempt to connect fails anew: only what is new is told. */
  #tell(state: Parameters<RedisObserver['changed']>[0], why: string): void {
    const news = `${state} ${why}`;
    if (news === this.#told) return;
    this.#told = news;
    this.#observer.changed(state, why);
  }

  get #isUsable(): boolean {
    return this.#client.isReady && this.#breaker.isClosed && this.#generations.areKnown;
  }

  #placeOf(model: string, version: string): string {
    return `${this.#options.prefix}${this.#generations.of(model, version)}:`;
  }

  #generationsIn(key: string, purged: (model: string, version: string | undefined) => void): Generations {
    const client = this.#client;
    const table = {
      read: () => this.#inTime(client.hGetAll(key)),
      write: (name: string, generation: string) => within(PURGE_MS, client.hSet(key, name, generation)),
      restore: (name: string, generation: string) => this.#inTime(client.hSetNX(key, name, generation)),
    };
    return new Generations(table, purged);
  }

  async #readGenerations(): Promise<void> {
    try {
      if (this.#client.isReady) await this.#generations.read();
    } catch {
      // Not reached: the next time.
    }
  }

  async #get(
    place: string,
    keys: readonly ContentKey[],
    isUsable: (stored: StoredResult) => boolean,
  ): Promise<readonly (StoredResult | undefined)[]> {
    try {
      const names = keys.map(key => nameOf(place, key));
      const values = await this.#breaker.run(() => this.#inTime(this.#binary.mGet(names)));
      return keys.map((key, i) => this.#read(key, values[i], isUsable));
    } catch {
      return keys.map(() => undefined);
    }
  }

  #read(
    key: ContentKey,
    value: unknown,
    isUsable: (stored: StoredResult) => boolean,
  ): StoredResult | undefined {
    if (!Buffer.isBuffer(value)) return undefined;
    const result = decodeShared(key, value);
    if (result !== undefined && isUsable(result)) return result;
    this.#observer.refused();
    return undefined;
  }

  #set(place: string, key: ContentKey, result: StoredResult, ttlMs: number): void {
    const bytes = result.outputs.reduce((sum, { data }) => sum + data.byteLength, 0);
    if (!this.#isUsable || bytes > this.#options.maxValueBytes) return;
    const expiration = { type: 'PX', value: ttlMs } as const;
    this.#behind.add(bytes, () =>
      this.#client.set(nameOf(place, key), encodeShared(key, result), { expiration }),
    );
  }

  #inTime<Value>(reply: Promise<Value>): Promise<Value> {
    return within(this.#options.timeoutMs, reply);
  }
}

const nameOf = (place: string, key: ContentKey): string =>
  place + Buffer.from(key, 'latin1').toString('base64url');

/** Its kind alone: messages name addresses. */
function reasonOf(error: Error & { code?: string }): string {
  if (/WRONGPASS|NOAUTH|NOPERM/.test(error.message)) return 'the password or user is wrong';
  return error.code ?? 'no connection';
}
