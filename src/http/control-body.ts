/** The bodies of the model repository extension, read strictly; for both planes. */
import { GatewayError } from '../errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A request's JSON object without a prototype; an empty body is an empty object, as the extension has it. */
export function readJsonObject(body: Uint8Array | undefined): JsonObject {
  if (body === undefined || body.length === 0) return {};
  return asObject('request body', parseJson(Buffer.from(body).toString()));
}

export function readyOf({ ready }: JsonObject): boolean {
  if (ready === undefined || typeof ready === 'boolean') return ready ?? false;
  throw new GatewayError('invalid', 'ready: expected true or false');
}

/** The `config` parameter of a load request; model files in the request are refused. */
export function configOf(body: JsonObject): string | undefined {
  const parameters = asObject('parameters', body['parameters'] ?? {});
  if (Object.keys(parameters).some(key => key.startsWith('file:')))
    throw new GatewayError('not-implemented', 'parameters: files in a load request are not supported');
  const { config } = parameters;
  if (config === undefined || typeof config === 'string') return config;
  throw new GatewayError('invalid', 'parameters.config: expected a string of JSON');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('invalid', 'request body: expected JSON', { cause });
  }
}

function asObject(what: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GatewayError('invalid', `${what}: expected an object`);
  return Object.assign(Object.create(null), value);
}
