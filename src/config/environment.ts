/** Settings from outside the file: `HEADGATE_*` variables and flags, over the file's. */
import type { TSchema } from 'typebox';
import type { Problem } from './config-error.ts';
import { nearestWord } from './did-you-mean.ts';
import type { Layer } from './layers.ts';
import { envName, type OptionPath, pathText } from './option-path.ts';
import { type OptionSchema, optionSchema } from './option-schema.ts';

export interface DeclaredOption {
  readonly path: OptionPath;
  /** `limits.maxBodyBytes` */
  readonly key: string;
  /** `HEADGATE_LIMITS_MAX_BODY_BYTES` */
  readonly env: string;
  readonly schema: OptionSchema;
}

/** Every option of a schema, in the order of its declaration; what help and documentation list. */
export function declaredOptions(schema: TSchema): DeclaredOption[] {
  return leaves(optionSchema(schema), []);
}

function leaves(schema: OptionSchema, path: OptionPath): DeclaredOption[] {
  if (schema.properties === undefined) {
    return [{ path, key: pathText(path), env: envName(path), schema }];
  }
  return Object.entries(schema.properties).flatMap(([key, property]) => leaves(property, [...path, key]));
}

/** Variables that begin like ours and are not settings: the file's name, and what Kubernetes injects for a Service. */
const NOT_SETTINGS =
  /^HEADGATE_(CONFIG|([A-Z0-9_]+_)?(SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP)(_[A-Z]+)?)?))$/;
const SERVICE_LINK = /^(tcp|udp|sctp):\/\//;

/** The settings of one source, and those that name no option. */
export interface NamedSettings {
  readonly layer: Layer;
  readonly problems: readonly Problem[];
}

/** The settings that the environment says; a `HEADGATE_` variable that names no option is a problem. */
export function environmentSettings(
  schema: TSchema,
  env: Readonly<Record<string, string | undefined>>,
): NamedSettings {
  const options = new Map(declaredOptions(schema).map(option => [option.env, option]));
  const given: Given[] = [];
  const problems: Problem[] = [];
  for (const [name, text] of Object.entries(env)) {
    // A Service named headgate-http gives every pod HEADGATE_HTTP_PORT=tcp://10.0.0.1:8000: not a port for us.
    if (text === undefined || !name.startsWith('HEADGATE_') || SERVICE_LINK.test(text)) continue;
    const option = options.get(name);
    if (option !== undefined) given.push({ option, value: typed(option.schema, text), origin: name });
    else if (!NOT_SETTINGS.test(name)) problems.push(unknown(name, '', name, options.keys()));
  }
  return { layer: layerOf(given), problems };
}

/** The settings of flags: a record of `limits.maxBodyBytes` → value; texts are read as the option's type. */
export function flagSettings(schema: TSchema, overrides: Readonly<Record<string, unknown>>): NamedSettings {
  const options = new Map(declaredOptions(schema).map(option => [option.key, option]));
  const given: Given[] = [];
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(overrides)) {
    const option = options.get(key);
    if (option === undefined) problems.push(unknown(key, key, 'command line', options.keys()));
    else if (value !== undefined)
      given.push({ option, value: typed(option.schema, value), origin: 'command line' });
  }
  return { layer: layerOf(given), problems };
}

interface Given {
  readonly option: DeclaredOption;
  readonly value: unknown;
  readonly origin: string;
}

function layerOf(given: readonly Given[]): Layer {
  const root: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const { option, value, origin } of given) {
    let map = root;
    for (const part of option.path.slice(0, -1)) {
      map[part] ??= {};
      map = map[part] as Record<string, unknown>;
    }
    map[option.path.at(-1) as string] = value;
    origins.set(option.key, origin);
  }
  return { value: root, origins };
}

function unknown(name: string, key: string, origin: string, known: Iterable<string>): Problem {
  const near = nearestWord(name, known);
  return { origin, key, message: `unknown option${near === undefined ? '' : `; did you mean ${near}?`}` };
}

/** Text as the option's type; text that is not of it stays, and the check says what was expected. */
function typed(schema: OptionSchema, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (schema.items !== undefined) return value === '' ? [] : value.split(',').map(part => part.trim());
  if (schema.type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  const numeric = schema.type === 'integer' || schema.type === 'number';
  const choice = schema.enum?.find(option => String(option) === value);
  if (choice !== undefined) return choice;
  return numeric && /^[+-]?(\d|\.\d)/.test(value) && !Number.isNaN(Number(value)) ? Number(value) : value;
}
