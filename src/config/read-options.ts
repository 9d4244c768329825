/**
 * Checks a parsed configuration against its declaration and fills in the defaults. All problems are found in
 * one pass, each with the place that said it; every value's origin is kept.
 */
import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';
import type { Problem } from './config-error.ts';
import { nearestWord } from './did-you-mean.ts';
import { isMap, type Layer } from './layers.ts';
import { type OptionPath, pathText } from './option-path.ts';
import { expectedText, foundText, type OptionSchema, type OptionsOf, optionSchema } from './option-schema.ts';

export interface ReadResult<Value> {
  /** Complete and of the declared type only when there are no problems. */
  readonly value: Value;
  /** The path of every leaf → where its value came from. */
  readonly origins: Map<string, string>;
  readonly problems: Problem[];
}

/** Reads what `layer` says as options of `schema`. `source` names the whole document where no line is known. */
export function readOptions<Schema extends TSchema>(
  schema: Schema,
  layer: Layer,
  source: string,
): ReadResult<OptionsOf<Schema>> {
  const reader = new Reader(layer, source);
  const value = reader.read(optionSchema(schema), layer.value ?? {}, [], undefined);
  return { value: value as OptionsOf<Schema>, origins: reader.origins, problems: reader.problems };
}

class Reader {
  readonly origins = new Map<string, string>();
  readonly problems: Problem[] = [];
  readonly #layer: Layer;
  readonly #source: string;

  constructor(layer: Layer, source: string) {
    this.#layer = layer;
    this.#source = source;
  }

  /** `filled` is 'default' or 'derived' inside a value that nobody wrote. */
  read(schema: OptionSchema, value: unknown, path: OptionPath, filled: string | undefined): unknown {
    if (schema.properties !== undefined)
      return this.#readMap(schema, schema.properties, value ?? {}, path, filled);
    if (schema.patternProperties !== undefined) return this.#readRecord(schema, value ?? {}, path, filled);
    if (schema.items !== undefined && Array.isArray(value) && value.length > 0) {
      return this.#readList(schema, schema.items, value, path, filled);
    }
    return this.#readLeaf(schema, value, path, filled);
  }

  #readMap(
    schema: OptionSchema,
    properties: Readonly<Record<string, OptionSchema>>,
    value: unknown,
    path: OptionPath,
    filled: string | undefined,
  ): unknown {
    if (!isMap(value)) return this.#refuse(schema, value, path);
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(properties, key)) this.#unknownKey(key, Object.keys(properties), path);
    }
    const read: Record<string, unknown> = {};
    for (const [key, property] of Object.entries(properties)) {
      const given = Object.hasOwn(value, key) ? value[key] : undefined;
      const required = schema.required?.includes(key) ?? false;
      const result = this.#readProperty(property, given, [...path, key], required, filled);
      if (result !== undefined) read[key] = result;
    }
    return read;
  }

  #readProperty(
    schema: OptionSchema,
    given: unknown,
    path: OptionPath,
    required: boolean,
    filled: string | undefined,
  ): unknown {
    if (given !== undefined) return this.read(schema, given, path, filled);
    const how = schema.derived === true ? 'derived' : 'default';
    if (schema.default !== undefined) return this.read(schema, schema.default, path, how);
    if (!required) return undefined;
    if (schema.properties !== undefined || schema.patternProperties !== undefined) {
      return this.read(schema, {}, path, how);
    }
    this.#problem(path, `missing; expected ${expectedText(schema)}`);
    return undefined;
  }

  #readRecord(schema: OptionSchema, value: unknown, path: OptionPath, filled: string | undefined): unknown {
    const [pattern, item] = Object.entries(schema.patternProperties ?? {})[0] ?? ['', {}];
    if (!isMap(value)) return this.#refuse(schema, value, path);
    const entries = new Map<string, unknown>();
    for (const [key, given] of Object.entries(value)) {
      if (new RegExp(pattern).test(key)) entries.set(key, this.read(item, given, [...path, key], filled));
      else this.#problem([...path, key], `not a possible name here; expected ${expectedText(schema)}`);
    }
    return Object.fromEntries(entries);
  }

  #readList(
    schema: OptionSchema,
    item: OptionSchema,
    value: readonly unknown[],
    path: OptionPath,
    filled: string | undefined,
  ): unknown {
    const limit = schema.maxItems ?? 1024;
    if (value.length > limit) {
      this.#problem(path, `expected at most ${limit} entries, found ${value.length}`);
      return [];
    }
    return value.map((entry, i) => this.read(item, entry, [...path, i], filled));
  }

  #readLeaf(schema: OptionSchema, value: unknown, path: OptionPath, filled: string | undefined): unknown {
    if (!Check(schema as TSchema, value)) return this.#refuse(schema, value, path);
    this.origins.set(pathText(path), filled ?? this.#originOf(path));
    return value;
  }

  #refuse(schema: OptionSchema, value: unknown, path: OptionPath): undefined {
    const found = holdsSecret(schema) ? '' : `, found ${foundText(value)}`;
    this.#problem(path, `expected ${expectedText(schema)}${found}`);
  }

  #unknownKey(key: string, known: readonly string[], path: OptionPath): void {
    const near = nearestWord(key, known);
    const hint = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
    this.#problem([...path, key], `unknown key; ${hint}`);
  }

  #problem(path: OptionPath, message: string): void {
    this.problems.push({ origin: this.#originOf(path), key: pathText(path), message });
  }

  #originOf(path: OptionPath): string {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#layer.origins.get(pathText(path.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    return this.#layer.origins.get('') ?? this.#source;
  }
}

/** A secret that was written where its map belongs is still one. */
function holdsSecret({ secret, properties = {} }: OptionSchema): boolean {
  return secret === true || Object.values(properties).some(holdsSecret);
}
