/** What is loaded in this worker, by model and version, and the run threads parked between loads. */
import { GatewayError } from '../errors.ts';
import type { LoadOrder } from '../protocol/load-order.ts';
import { LoadedModel } from './loaded-model.ts';
import { RunThread } from './run-thread.ts';

type Entry =
  | { readonly kind: 'loading' }
  | { readonly kind: 'loaded'; readonly model: LoadedModel }
  | { readonly kind: 'unloading' };

export class Models {
  readonly #entries = new Map<string, Entry>();
  /** Without a session, for the next load: some 9 MB each, never more in all than instances were loaded at once. */
  readonly #parked: RunThread[] = [];

  /** Starts a first run thread, and with it the engine's library, so that no model's load pays for it, or is charged for it. */
  async prepare(): Promise<void> {
    const thread = new RunThread();
    await thread.command({ kind: 'release' });
    this.#parked.push(thread);
  }

  /** Throws `not-found`. */
  get(name: string, version: string): LoadedModel {
    const entry = this.#entries.get(key(name, version));
    if (entry?.kind === 'loaded') return entry.model;
    throw new GatewayError('not-found', `'${name}' version '${version}' is not loaded in this worker`);
  }

  list(): readonly LoadedModel[] {
    return [...this.#entries.values()].flatMap(entry => (entry.kind === 'loaded' ? [entry.model] : []));
  }

  /** Resolves when every instance has its session; throws `invalid` with the reason when one cannot. */
  async load(name: string, order: LoadOrder): Promise<void> {
    const id = key(name, order.version);
    if (this.#entries.has(id))
      throw new GatewayError('invalid', `'${name}' version '${order.version}' is already loaded`);
    this.#entries.set(id, { kind: 'loading' });
    try {
      this.#entries.set(id, { kind: 'loaded', model: await this.#create(name, order) });
    } catch (error) {
      this.#entries.delete(id);
      throw error;
    }
  }

  /** Resolves when what runs has finished and the sessions are released. Throws `not-found`. */
  async unload(name: string, version: string): Promise<void> {
    const id = key(name, version);
    const model = this.get(name, version);
    this.#entries.set(id, { kind: 'unloading' });
    this.#parked.push(...(await model.unload()));
    this.#entries.delete(id);
  }

  async #create(name: string, order: LoadOrder): Promise<LoadedModel> {
    const threads = Array.from({ length: order.instances }, () => this.#parked.pop() ?? new RunThread());
    const [first, ...others] = threads as [RunThread, ...RunThread[]];
    const loaded: RunThread[] = [];
    const load = async (thread: RunThread) => {
      const reply = await thread.command({ kind: 'load', order });
      loaded.push(thread);
      return reply;
    };
    try {
      // A bad model fails once, on the first, with as much memory as one instance takes.
      const reply = await load(first);
      if (reply.kind !== 'loaded') throw new Error('this is a bug: a load was answered without a signature');
      await allSettled(others.map(load));
      const model = new LoadedModel(name, order.version, reply.signature, threads);
      await model.attachSlots();
      return model;
    } catch (error) {
      await Promise.all(loaded.map(thread => thread.command({ kind: 'release' })));
      this.#parked.push(...threads);
      throw error;
    }
  }
}

/** Waits for all, then throws what the first that failed threw. */
async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises))
    if (result.status === 'rejected') throw result.reason;
}

/** Names hold no slash. */
function key(name: string, version: string): string {
  return `${name}/${version}`;
}
