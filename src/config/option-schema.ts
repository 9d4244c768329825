/**
 * What an option's declaration carries besides its typebox type. Declared once, read by the checker, the
 * environment, the list of options in the documentation and the reload.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Static, TSchema } from 'typebox';
import { type OptionPath, pathText } from './option-path.ts';

export interface OptionNotes {
  readonly description?: string;
  readonly default?: unknown;
  /** Of the gateway: a change takes effect only after a restart. */
  readonly restart?: boolean;
  /** Of a model: a change loads the model's versions anew. */
  readonly reload?: boolean;
  /** The default was worked out from the machine or the model. */
  readonly derived?: boolean;
  /** Read and checked, without effect until a later version. */
  readonly later?: boolean;
  /** Never printed. */
  readonly secret?: boolean;
  /** What a value must be, in words, where the type alone says it badly. */
  readonly expected?: string;
}

/** The JSON Schema inside a typebox type, as far as options use it. */
export interface OptionSchema extends OptionNotes {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, OptionSchema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, OptionSchema>>;
  readonly items?: OptionSchema;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
}

export function optionSchema(schema: TSchema): OptionSchema {
  return schema as OptionSchema;
}

/** A configuration is a value: nothing changes it once it has been checked. */
export type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

export type OptionsOf<Schema extends TSchema> = Frozen<Static<Schema>>;

/** What a value of this option must be, in words. */
export function expectedText(schema: OptionSchema): string {
  if (schema.expected !== undefined) return schema.expected;
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.items !== undefined) return `a list, each ${expectedText(schema.items)}`;
  if (schema.type === 'object') return 'a map of keys and values';
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'integer' || schema.type === 'number') return numberText(schema);
  return 'a text';
}

function numberText({ type, minimum, maximum }: OptionSchema): string {
  const noun = type === 'integer' ? 'an integer' : 'a number';
  if (minimum !== undefined && maximum !== undefined) return `${noun} from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${noun} of at least ${minimum}`;
  return maximum === undefined ? noun : `${noun} of at most ${maximum}`;
}

/** Where a value says something that has no effect yet: paths of options marked `later` that differ from their default. */
export function optionsForLater(schema: OptionSchema, value: unknown, path: OptionPath = []): string[] {
  if (schema.later === true) {
    return value === undefined || isDeepStrictEqual(value, schema.default) ? [] : [pathText(path)];
  }
  const map = value as Readonly<Record<string, unknown>>;
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
    optionsForLater(property, map[key], [...path, key]),
  );
}

/** Who is asked for, and its password, in an address that must not hold them. */
const CREDENTIALS = /:\/\/[^\s"]*@/g;

/** A refused value as a reader knows it from the file, cut to a glance, without the credentials of an address. */
export function foundText(value: unknown): string {
  if (value === null) return 'nothing';
  const text = (JSON.stringify(value) ?? String(value)).replace(CREDENTIALS, '://…@');
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
