/** The words, numbers, texts and symbols of protobuf text format. */
import { ConfigError } from './config-error.ts';

export interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'symbol' | 'end';
  /** Unquoted for a text; in JavaScript's notation for a number. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

const MAX_CHARACTERS = 256 * 1024;
const SPACE = /(?:\s+|#[^\n]*)+/y;
const WORD = /[A-Za-z_][A-Za-z0-9_.]*/y;
const NUMBER =
  /-?\s*(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?|(?:inf|infinity|nan)\b)/iy;
const TEXT = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const SYMBOL = /[{}<>[\]:,;]/y;

/** Throws a ConfigError at the first character that begins nothing. The last token is 'end'. */
export function tokenize(text: string, label: string): Token[] {
  if (text.length > MAX_CHARACTERS) throw refusal(label, `expected at most ${MAX_CHARACTERS} characters`);
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const skip = (found: string): void => {
    at += found.length;
    for (let i = found.indexOf('\n'); i >= 0; i = found.indexOf('\n', i + 1)) line++;
  };
  for (;;) {
    skip(match(SPACE) ?? '');
    if (at >= text.length) return [...tokens, { kind: 'end', text: 'end', line }];
    const token = tokenAt(match, line);
    if (token === undefined) {
      const found = JSON.stringify(text[at]);
      throw refusal(`${label}:${line}`, `expected a name, a value or a bracket, found ${found}`);
    }
    tokens.push(token.token);
    skip(token.source);
  }
}

function tokenAt(
  match: (pattern: RegExp) => string | undefined,
  line: number,
): { readonly token: Token; readonly source: string } | undefined {
  const text = match(TEXT);
  if (text !== undefined) return { token: { kind: 'text', text: unquote(text), line }, source: text };
  const number = match(NUMBER);
  const word = match(WORD);
  // `inf` and `nan` are numbers only as whole words.
  if (number !== undefined && number.length >= (word?.length ?? 0)) {
    return { token: { kind: 'number', text: numeral(number), line }, source: number };
  }
  if (word !== undefined) return { token: { kind: 'word', text: word, line }, source: word };
  const symbol = match(SYMBOL);
  return symbol === undefined ? undefined : { token: { kind: 'symbol', text: symbol, line }, source: symbol };
}

/** A number as JavaScript's `Number` reads it; a leading 0 means octal. */
function numeral(source: string): string {
  const negative = source.startsWith('-');
  const digits = source.replace(/^-\s*/, '').toLowerCase();
  const sign = negative ? -1 : 1;
  if (digits.startsWith('inf')) return String(sign * Number.POSITIVE_INFINITY);
  if (digits.startsWith('nan')) return 'NaN';
  if (/^0[0-7]+$/.test(digits)) return String(sign * Number.parseInt(digits, 8));
  const plain = digits.startsWith('0x') ? digits : digits.replace(/f$/, '');
  return String(sign * Number(plain));
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

function unquote(source: string): string {
  return source
    .slice(1, -1)
    .replace(
      /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|([0-7]{1,3})|([\s\S]))/g,
      (_, hex, unicode, octal, char) => {
        if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
        if (unicode !== undefined) return String.fromCharCode(Number.parseInt(unicode, 16));
        if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
        return ESCAPES[char] ?? char;
      },
    );
}

function refusal(origin: string, message: string): ConfigError {
  return new ConfigError([{ origin, key: '', message }]);
}
