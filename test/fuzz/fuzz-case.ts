/** The nouns of fuzzing: a case is bytes that follow from a seed, its kind and its number; what it gets is judged. */

export const KINDS = ['http', 'json', 'binary', 'config', 'model'] as const;
export type Kind = (typeof KINDS)[number];

/** What reads the bytes of a `config` case. */
export const CONFIG_FORMS = ['gateway', 'model', 'pbtxt', 'environment'] as const;
export type ConfigForm = (typeof CONFIG_FORMS)[number];

export interface FuzzCase {
  readonly kind: Kind;
  readonly index: number;
  /** What goes over the wire, whole, or what stands in the file. */
  readonly bytes: Buffer;
  /** Of a `config` case. */
  readonly form?: ConfigForm;
  /** Of an `http` case for the operator's plane. */
  readonly plane?: 'admin';
}

/**
 * `crash`: the gateway or a worker died, or a loader threw what is no refusal. `hang`: no answer for a second.
 * `5xx`: malformed, and the server says the fault is its own. `no answer`: the connection ended without one. `leak`: an
 * error with a path or a stack. `disagreement`: the same bytes, judged otherwise. `growth`: memory that stays.
 */
export type Trouble = 'crash' | 'hang' | '5xx' | 'no answer' | 'leak' | 'disagreement' | 'growth';

export interface Finding {
  readonly trouble: Trouble;
  readonly case: FuzzCase;
  readonly detail: string;
}

/** Told of every case as it ends. */
export interface Tally {
  ended(kind: Kind, outcome: string, times?: number): void;
  found(finding: Finding): void;
}
