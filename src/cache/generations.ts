import { randomUUID } from 'node:crypto';

/** Where gateways tell each other of generations: a table of texts. */
export interface GenerationTable {
  read(): Promise<Readonly<Record<string, string>>>;
  write(name: string, generation: string): Promise<unknown>;
  /** Writes it where there is none. */
  restore(name: string, generation: string): Promise<unknown>;
}

/**
 * A purge gives what is shared of a model, or of one of its versions, a new generation, which is part of its keys: what
 * was kept before is not found again. Generations are random, so that none comes twice, and a table that lost some is
 * told of them again: what had been purged must not come back.
 */
export class Generations {
  readonly #table: GenerationTable;
  readonly #purged: (model: string, version: string | undefined) => void;
  readonly #known = new Map<string, string>();
  #areKnown = false;

  /** `purged` is told of what others purged. */
  constructor(table: GenerationTable, purged: (model: string, version: string | undefined) => void) {
    this.#table = table;
    this.#purged = purged;
  }

  /** False until they were read once: what is purged is not known. */
  get areKnown(): boolean {
    return this.#areKnown;
  }

  /** What keys of this version begin with. */
  of(model: string, version: string): string {
    const [all, one] = [this.#known.get(model), this.#known.get(`${model}/${version}`)];
    return `${all ?? '0'}.${one ?? '0'}`;
  }

  /** Rejects when the others could not be told. */
  async renew(model: string, version: string | undefined): Promise<void> {
    const name = version === undefined ? model : `${model}/${version}`;
    const generation = randomUUID().slice(0, 8);
    await this.#table.write(name, generation);
    this.#known.set(name, generation);
  }

  /** Rejects when they cannot be read; what is known goes on holding. */
  async read(): Promise<void> {
    const found = await this.#table.read();
    for (const [name, generation] of Object.entries(found)) {
      const isNews = this.#known.get(name) !== generation;
      this.#known.set(name, generation);
      // Model names have no slash.
      const [model = '', version] = name.split('/');
      if (isNews && this.#areKnown) this.#purged(model, version);
    }
    this.#areKnown = true;
    for (const [name, generation] of this.#known) {
      if (!Object.hasOwn(found, name)) await this.#table.restore(name, generation);
    }
  }
}
