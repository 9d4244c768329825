/**
 * Reads the fields of a Triton configuration message and remembers which ones were read: what nobody read is
 * what Headgate does not honour, and is named at load.
 */
import { ConfigError } from './config-error.ts';
import type { PbField, PbMessage, PbValue } from './pbtxt.ts';

/** A setting found, by its path in Headgate's vocabulary, with the place that says it. */
export type Settings = Map<string, { readonly value: unknown; readonly origin: string }>;

export class TritonFields {
  readonly #message: PbMessage;
  readonly #path: string;
  readonly #label: string;
  readonly #read = new Set<string>();
  readonly #below = new Map<string, readonly TritonFields[]>();

  constructor(message: PbMessage, path: string, label: string) {
    this.#message = message;
    this.#path = path;
    this.#label = label;
  }

  get names(): Iterable<string> {
    return this.#message.keys();
  }

  has(name: string): boolean {
    return this.#message.has(name);
  }

  /** `label:line` of a field, for origins. */
  origin(name: string): string {
    const field = this.#message.get(name)?.[0];
    return field === undefined ? this.#label : `${this.#label}:${field.line}`;
  }

  text(name: string): string | undefined {
    return this.#last(name, 'a text', value => (typeof value === 'string' ? value : undefined));
  }

  flag(name: string): boolean | undefined {
    return this.#last(name, 'true or false', value => (typeof value === 'boolean' ? value : undefined));
  }

  integer(name: string): number | undefined {
    return this.#last(name, 'an integer', asInteger);
  }

  integers(name: string): number[] {
    return this.#all(name, 'an integer', asInteger);
  }

  /** The message of a field given once; its fields are followed too. */
  message(name: string): TritonFields | undefined {
    return this.messages(name).at(-1);
  }

  messages(name: string): readonly TritonFields[] {
    const open = this.#below.get(name);
    if (open !== undefined) return open;
    const found = this.#all(name, 'a message', asMessage);
    const fields = found.map((message, i) =>
      this.#open(message, partName(name, message, found.length > 1 ? i : -1)),
    );
    this.#below.set(name, fields);
    return fields;
  }

  /** A `map<string, message>`: repeated `key` and `value` in text format. */
  entries(name: string): { readonly key: string; readonly fields: TritonFields }[] {
    return this.messages(name).flatMap(entry => {
      const key = entry.text('key');
      const fields = entry.message('value');
      return key === undefined || fields === undefined ? [] : [{ key, fields }];
    });
  }

  /** Marks a field as dealt with, whatever it says. */
  accept(name: string): void {
    this.#read.add(name);
  }

  /** Paths of the fields nobody read, in the order of the file. */
  unread(): string[] {
    return [...this.#message.keys()].flatMap(name => {
      const below = this.#below.get(name);
      if (below !== undefined) return below.flatMap(fields => fields.unread());
      return this.#read.has(name) ? [] : [this.#join(name)];
    });
  }

  refuse(name: string, message: string): ConfigError {
    return new ConfigError([{ origin: this.origin(name), key: this.#join(name), message }]);
  }

  #open(message: PbMessage, name: string): TritonFields {
    return new TritonFields(message, this.#join(name), this.#label);
  }

  #last<T>(name: string, expected: string, read: (value: PbValue) => T | undefined): T | undefined {
    return this.#all(name, expected, read).at(-1);
  }

  #all<T>(name: string, expected: string, read: (value: PbValue) => T | undefined): T[] {
    this.#read.add(name);
    return (this.#message.get(name) ?? []).map((field: PbField) => {
      const value = read(field.value);
      if (value !== undefined) return value;
      const origin = `${this.#label}:${field.line}`;
      throw new ConfigError([{ origin, key: this.#join(name), message: `expected ${expected}` }]);
    });
  }

  #join(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

/** `parameters.threads` for an entry of a map, `input[1]` in a list, `input` alone. */
function partName(name: string, message: PbMessage, place: number): string {
  const key = message.has('value') ? message.get('key')?.[0]?.value : undefined;
  if (typeof key === 'string') return `${name}.${key}`;
  return place < 0 ? name : `${name}[${place}]`;
}

function asMessage(value: PbValue): PbMessage | undefined {
  return typeof value === 'object' ? value : undefined;
}

function asInteger(value: PbValue): number | undefined {
  // Protobuf's JSON writes 64-bit integers as texts.
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}
