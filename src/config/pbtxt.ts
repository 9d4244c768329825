/**
 * Protobuf text format, as Triton's `config.pbtxt` is written: messages of named fields, each with its line.
 * It knows no message types; whoever reads a field says what it expects there.
 */
import { ConfigError } from './config-error.ts';
import { type Token, tokenize } from './pbtxt-tokens.ts';

export type PbScalar = string | number | boolean;
export type PbValue = PbScalar | PbMessage;

export interface PbField {
  readonly value: PbValue;
  /** Counted from 1. */
  readonly line: number;
}

/** Field name → its values in order; a field given once has one. */
export type PbMessage = ReadonlyMap<string, readonly PbField[]>;

const MAX_DEPTH = 32;
const CLOSED_BY: Readonly<Record<string, string>> = { '{': '}', '<': '>' };

/** Parses a whole file. Throws a ConfigError that names the line of the first mistake and what was expected. */
export function parsePbtxt(text: string, label: string): PbMessage {
  const parser = new Parser(tokenize(text, label), label);
  return parser.message(undefined, 0);
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #label: string;
  #at = 0;

  constructor(tokens: readonly Token[], label: string) {
    this.#tokens = tokens;
    this.#label = label;
  }

  /** Fields up to `end`, which is consumed; undefined: up to the end of the file. */
  message(end: string | undefined, depth: number): PbMessage {
    if (depth > MAX_DEPTH) throw this.#expected(`at most ${MAX_DEPTH} levels`);
    const fields = new Map<string, PbField[]>();
    for (;;) {
      if (this.#take(end ?? 'end')) return fields;
      this.#field(fields, end, depth);
      if (!this.#take(',')) this.#take(';');
    }
  }

  #field(fields: Map<string, PbField[]>, end: string | undefined, depth: number): void {
    const name = this.#peek();
    if (name.kind !== 'word')
      throw this.#expected(end === undefined ? 'a field name' : `a field name or ${end}`);
    this.#at++;
    const values = fields.get(name.text) ?? [];
    fields.set(name.text, values);
    const colon = this.#take(':');
    if (this.#take('[')) this.#list(values, depth);
    else values.push(this.#value(colon, depth));
  }

  #list(values: PbField[], depth: number): void {
    if (this.#take(']')) return;
    do {
      values.push(this.#value(true, depth));
    } while (this.#take(','));
    if (!this.#take(']')) throw this.#expected(', or ]');
  }

  /** A message needs no colon before it, a scalar does. */
  #value(scalarAllowed: boolean, depth: number): PbField {
    const token = this.#peek();
    const close = token.kind === 'symbol' ? CLOSED_BY[token.text] : undefined;
    if (close !== undefined) {
      this.#at++;
      return { value: this.message(close, depth + 1), line: token.line };
    }
    if (!scalarAllowed) throw this.#expected(': or {');
    if (token.kind === 'symbol' || token.kind === 'end') throw this.#expected('a value');
    this.#at++;
    return { value: token.kind === 'text' ? this.#joined(token.text) : scalar(token), line: token.line };
  }

  /** Neighbouring texts are one, as in C. */
  #joined(first: string): string {
    let text = first;
    for (let next = this.#peek(); next.kind === 'text'; next = this.#peek()) {
      text += next.text;
      this.#at++;
    }
    return text;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: 'end', line: this.#tokens.at(-1)?.line ?? 1 };
  }

  #take(text: string): boolean {
    const token = this.#peek();
    if (token.text !== text || (token.kind !== 'symbol' && token.kind !== 'end')) return false;
    this.#at++;
    return true;
  }

  #expected(what: string): ConfigError {
    const { kind, text, line } = this.#peek();
    const found = kind === 'end' ? 'the end of the file' : JSON.stringify(text.slice(0, 40));
    return new ConfigError([
      { origin: `${this.#label}:${line}`, key: '', message: `expected ${what}, found ${found}` },
    ]);
  }
}

function scalar(token: Token): PbScalar {
  if (token.kind === 'number') return Number(token.text);
  if (token.text === 'true' || token.text === 'True' || token.text === 't') return true;
  if (token.text === 'false' || token.text === 'False' || token.text === 'f') return false;
  return token.text;
}
