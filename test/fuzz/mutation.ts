/** Small damage to bytes, drawn like everything else: from the seed. */
import fc from 'fast-check';

/** Where in the bytes, as a part of their length, and what happens there. */
export interface Mutation {
  readonly op: 'flip' | 'set' | 'insert' | 'delete' | 'repeat' | 'cut' | 'swap' | 'token';
  readonly at: number;
  readonly length: number;
  readonly value: number;
}

/** Texts at which parsers go wrong. */
const TOKENS = [
  ...['0', '-0', '-1', '+1', '1e308', '1e999', 'NaN', 'Infinity', '9007199254740993', '2147483648'],
  ...['18446744073709551616', '0x10', '1.5', 'null', 'true', '{}', '[]', '[[', ']]', '{"', '"', '\\u0000'],
  ...['\\ud800', '__proto__', 'constructor', '\0', '\r\n', '\r\n\r\n', '\n', '\t', ' ', ':', ',', ';', '%00'],
  ...[
    '../',
    '..%2f',
    '%',
    '\u00ff',
    '\ufeff',
    '😀',
    '*a',
    '&a ',
    '!!js/function ',
    '<<: ',
    '---\n',
    '#',
    "'",
  ],
].map(token => Buffer.from(token));

const MOST_LENGTH = 64;
const PLACES = 2 ** 20;

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  op: fc.constantFrom('flip', 'set', 'insert', 'delete', 'repeat', 'cut', 'swap', 'token', 'token'),
  // Without fast-check's liking for the ends of a range: nearly all damage would be to the first byte.
  at: fc.noBias(fc.integer({ min: 0, max: PLACES - 1 })).map(place => place / PLACES),
  length: fc.integer({ min: 1, max: MOST_LENGTH }),
  value: fc.noBias(fc.integer({ min: 0, max: 255 })),
});

export function mutated(bytes: Buffer, mutations: readonly Mutation[]): Buffer {
  return mutations.reduce(applied, bytes);
}

function applied(bytes: Buffer, { op, at: part, length, value }: Mutation): Buffer {
  const at = Math.floor(part * (bytes.length + 1));
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  const few = Math.min(length, after.length);
  switch (op) {
    case 'flip':
      return changed(bytes, at, (bytes[at] ?? 0) ^ (1 << (value % 8)));
    case 'set':
      return changed(bytes, at, value);
    case 'insert':
      return Buffer.concat([before, Buffer.alloc(length % 8, value), after]);
    case 'delete':
      return Buffer.concat([before, after.subarray(few)]);
    case 'repeat':
      return Buffer.concat([before, ...Array<Buffer>(1 + (value % 8)).fill(after.subarray(0, few)), after]);
    case 'cut':
      return before;
    case 'swap':
      return Buffer.concat([before, after.subarray(few), after.subarray(0, few)]);
    case 'token':
      return Buffer.concat([before, TOKENS[value % TOKENS.length] as Buffer, after]);
  }
}

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = value;
  return copy;
}

/** Bytes as generated, often; damaged a little, or more, as often. */
export function damaged(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const damage = fc.oneof(
    { weight: 2, arbitrary: fc.constant<Mutation[]>([]) },
    { weight: 3, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 3 }) },
  );
  return fc.tuple(bytes, damage).map(([whole, mutations]) => mutated(whole, mutations));
}

/** A seed, damaged at least once. */
export function seeded(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const damage = fc.array(mutation, { minLength: 1, maxLength: 6 });
  return fc.tuple(fc.constantFrom(...seeds), damage).map(([seed, mutations]) => mutated(seed, mutations));
}
