/** The cases of a kind by number: the same for the same seed, wherever one begins. */
import fc from 'fast-check';
import { binaryCases } from './binary-cases.ts';
import { configCases } from './config-cases.ts';
import type { FuzzCase, Kind } from './fuzz-case.ts';
import { KINDS } from './fuzz-case.ts';
import { httpCases } from './http-cases.ts';
import { jsonCases } from './json-cases.ts';
import { modelCases } from './model-cases.ts';

/** What a generator draws; the rest follows from where it stands. */
export type Draft = Omit<FuzzCase, 'kind' | 'index'>;

const GENERATORS: Readonly<Record<Kind, () => fc.Arbitrary<Draft>>> = {
  http: httpCases,
  json: jsonCases,
  binary: binaryCases,
  config: configCases,
  model: modelCases,
};

/** Drawn together: alone each would cost the setting up of its generator. */
const BLOCK = 256;

export class CaseSource {
  readonly #kind: Kind;
  readonly #seed: number;
  readonly #arbitrary: fc.Arbitrary<Draft>;
  #block = -1;
  #drafts: readonly Draft[] = [];

  constructor(kind: Kind, seed: number) {
    this.#kind = kind;
    this.#seed = seed;
    this.#arbitrary = GENERATORS[kind]();
  }

  at(index: number): FuzzCase {
    const block = Math.floor(index / BLOCK);
    if (block !== this.#block) {
      this.#drafts = fc.sample(this.#arbitrary, { seed: this.#seedOf(block), numRuns: BLOCK });
      this.#block = block;
    }
    return { kind: this.#kind, index, ...(this.#drafts[index % BLOCK] as Draft) };
  }

  /** A 32-bit integer, as fast-check wants it. */
  #seedOf(block: number): number {
    const kind = KINDS.indexOf(this.#kind) + 1;
    return (Math.imul(this.#seed, 0x9e3779b1) ^ Math.imul(block + 1, 0x85ebca6b) ^ (kind << 24)) | 0;
  }
}
