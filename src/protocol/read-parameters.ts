import { brief } from './brief.ts';
import type { ParameterValue, RequestParameters } from './infer-request.ts';
import type { JsonReader } from './json-reader.ts';
import { MAX_PARAMETERS } from './limits.ts';

export type Parameters = Map<string, ParameterValue>;

/** What a request without `parameters` asks for. */
export const DEFAULT_PARAMETERS: RequestParameters = {
  priority: undefined,
  timeoutUs: undefined,
  binaryDataOutput: false,
  custom: new Map(),
};
/** Headgate keeps no state between requests; a client that counts on a sequence must hear so. */
const SEQUENCE = ['sequence_id', 'sequence_start', 'sequence_end'];

/** Reads any `parameters` object: scalars by name, each once, none of a reserved name. */
export function readParameters(reader: JsonReader): Parameters {
  const parameters: Parameters = new Map();
  reader.enterObject('parameters');
  for (let name = reader.nextMember(); name !== undefined; name = reader.nextMember()) {
    checkReserved(reader, name);
    if (parameters.has(name)) reader.fail(field(name), 'given twice');
    if (parameters.size === MAX_PARAMETERS)
      reader.fail('parameters', `expected at most ${MAX_PARAMETERS} entries`);
    parameters.set(name, readScalar(reader, name));
  }
  return parameters;
}

function checkReserved(reader: JsonReader, name: string): void {
  if (name.startsWith('triton_')) reader.fail(field(name), 'names that begin with triton_ are reserved');
  if (name.startsWith('shared_memory_')) reader.fail(field(name), 'shared memory is not supported');
}

/** Reads the request's own `parameters`. */
export function readRequestParameters(reader: JsonReader): RequestParameters {
  const given = readParameters(reader);
  if (given.size === 0) return DEFAULT_PARAMETERS;
  const priority = takeCount(reader, given, 'priority');
  const timeoutUs = takeCount(reader, given, 'timeout');
  const binaryDataOutput = takeBoolean(reader, given, 'binary_data_output') ?? false;
  for (const name of SEQUENCE) if (given.get(name)) reader.fail(field(name), 'sequences are not supported');
  return {
    priority: priority || undefined,
    timeoutUs: timeoutUs || undefined,
    binaryDataOutput,
    custom: given,
  };
}

/** Removes and returns an integer from 0 up; undefined where it was not given. */
export function takeCount(reader: JsonReader, parameters: Parameters, name: string): number | undefined {
  const value = parameters.get(name);
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    reader.fail(field(name), `expected an integer ≥ 0, got ${show(value)}`);
  parameters.delete(name);
  return value;
}

/** Removes and returns a boolean; undefined where it was not given. */
export function takeBoolean(reader: JsonReader, parameters: Parameters, name: string): boolean | undefined {
  const value = parameters.get(name);
  if (value === undefined) return undefined;
  if (typeof value !== 'boolean') reader.fail(field(name), `expected true or false, got ${show(value)}`);
  parameters.delete(name);
  return value;
}

function readScalar(reader: JsonReader, name: string): ParameterValue {
  if (reader.isStringNext()) return reader.string();
  if (reader.isBooleanNext()) return reader.boolean();
  if (!reader.isNumberNext())
    reader.fail(field(name), `expected a string, a number or a boolean, got ${reader.describe()}`);
  const value = reader.number();
  if (!Number.isFinite(value)) reader.fail(field(name), 'expected a number that a double can hold');
  return value;
}

function field(name: string): string {
  return `parameters.${brief(name)}`;
}

function show(value: ParameterValue): string {
  return typeof value === 'string' ? 'a string' : String(value);
}
