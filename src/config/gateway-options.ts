/** The gateway's own options, each declared here once. Paths are relative to the working directory. */
import { availableParallelism } from 'node:os';
import { type TSchema, Type } from 'typebox';
import type { OptionNotes, OptionsOf } from './option-schema.ts';

const MIB = 1024 * 1024;

const count = (minimum: number, fallback: number, description: string, notes: OptionNotes = {}) =>
  Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER, default: fallback, description, ...notes });
const milliseconds = (fallback: number, description: string, notes: OptionNotes = {}) =>
  Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, default: fallback, description, ...notes });
const text = (fallback: string, description: string, notes: OptionNotes = {}) =>
  Type.String({
    minLength: 1,
    default: fallback,
    description,
    expected: 'a text that is not empty',
    ...notes,
  });
const names = (description: string, notes: OptionNotes = {}) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), { description, expected: 'a list of names', ...notes }),
  );
const port = (fallback: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65535, default: fallback, description, restart: true });

const RESTART = { restart: true };

export const gatewaySchema = Type.Object({
  repository: text('./models', 'Folder of the models.', RESTART),
  repositoryControl: Type.Enum(['none', 'explicit'], {
    default: 'none',
    description: 'May clients of the data plane load and unload models? The admin plane always may.',
  }),
  http: Type.Object({
    host: text('0.0.0.0', 'Address the data plane listens on.', RESTART),
    port: port(8000, 'Port of the data plane; 0 takes a free one.'),
  }),
  admin: Type.Object({
    host: text(
      '127.0.0.1',
      'Address the admin plane listens on; any other than loopback demands a token.',
      RESTART,
    ),
    port: port(8002, 'Port of the admin plane and metrics; 0 takes a free one.'),
    token: Type.Optional(
      Type.String({
        minLength: 16,
        secret: true,
        restart: true,
        expected: 'a text of at least 16 characters',
        description: 'Bearer token the admin plane demands.',
      }),
    ),
    metricsWithoutToken: Type.Boolean({
      default: false,
      restart: true,
      description: 'May /metrics be read without the token?',
    }),
    allowedHosts: names(
      'Names, besides loopback ones, that a Host header may carry on the admin plane.',
      RESTART,
    ),
  }),
  dataDir: text('./data', 'Folder of what the gateway remembers.', RESTART),
  limits: Type.Object({
    maxBodyBytes: count(1024, 64 * MIB, 'Largest request body as sent; more is a 413.', RESTART),
    maxBodiesBytes: count(1024, 512 * MIB, 'Bytes of all bodies in memory; more is a 429.', RESTART),
    maxInflatedBytes: count(1024, 64 * MIB, 'Largest request body once inflated; more is a 413.', RESTART),
    maxHeaderBytes: count(1024, 16 * 1024, 'Largest request head; more is a 431.', RESTART),
    maxConnections: count(1, 32_768, 'Connections at once; one more is closed unread.', RESTART),
    maxRequestsPerClient: count(
      1,
      16_384,
      'Requests of one address that wait for an answer; more is a 429.',
      RESTART,
    ),
    maxRank: count(1, 16, 'Most dimensions of a tensor.', RESTART),
    maxElements: count(1, 64 * MIB, 'Most elements of a tensor.', RESTART),
    maxInputs: count(1, 64, 'Most inputs of a request.', RESTART),
  }),
  timeouts: Type.Object({
    headersMs: milliseconds(10_000, 'Time to send a request head; more is a 408.', RESTART),
    requestMs: milliseconds(30_000, 'Time to send a whole request; more is a 408.', RESTART),
    keepAliveMs: milliseconds(60_000, 'How long an idle connection is kept.', RESTART),
    drainMs: milliseconds(30_000, 'How long accepted requests may take to finish once told to stop.'),
  }),
  json: Type.Object({
    nonFinite: Type.Enum(['error', 'null', 'string'], {
      default: 'error',
      restart: true,
      description:
        'NaN and infinities in a JSON answer: refuse the answer, write null, or write "NaN", "Infinity".',
    }),
  }),
  overload: Type.Object({
    status: Type.Enum([429, 503], {
      default: 429,
      restart: true,
      description: 'Status of a full queue; 503 as Triton.',
    }),
  }),
  cache: Type.Object({
    maxBytes: count(0, 256 * MIB, 'Memory of the results that are kept, of all models together.', RESTART),
    maxModelShare: Type.Number({
      minimum: 0.01,
      maximum: 1,
      default: 0.5,
      restart: true,
      expected: 'a number from 0.01 to 1',
      description: 'The part of it that one model may fill, all its versions together.',
    }),
    redis: Type.Object({
      url: Type.Optional(
        Type.String({
          pattern: '^rediss?://[^@\\s]+$',
          restart: true,
          expected: 'redis://host:port or rediss://host:port, without a password',
          description: 'A Redis or Valkey server in which gateways share results; absent: none.',
        }),
      ),
      username: Type.Optional(Type.String({ minLength: 1, restart: true, description: 'Its user.' })),
      password: Type.Optional(
        Type.String({ minLength: 1, secret: true, restart: true, description: "The user's password." }),
      ),
      prefix: text('headgate:', 'What the names of all its keys begin with.', RESTART),
      timeoutMs: Type.Integer({
        minimum: 1,
        maximum: 20,
        default: 5,
        description:
          'How long a look may take, ms; after one that took longer nobody looks until a ping went well.',
        ...RESTART,
      }),
      maxValueBytes: count(1, MIB, 'Larger results are not shared.', RESTART),
    }),
  }),
  log: Type.Object({
    level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      default: 'info',
      description: 'Least severity that is logged.',
    }),
  }),
  workers: Type.Object({
    cpuCores: Type.Integer({
      minimum: 1,
      maximum: 4096,
      default: availableParallelism(),
      derived: true,
      restart: true,
      description:
        'Cores that CPU batches of all models may use at once; by default all this process may use.',
    }),
    nice: Type.Integer({
      minimum: 0,
      maximum: 19,
      default: 5,
      restart: true,
      description: 'How far workers stand behind the gateway for the processor; 0: not at all.',
    }),
    maxMemoryBytes: Type.Optional(
      Type.Integer({
        minimum: 64 * MIB,
        maximum: Number.MAX_SAFE_INTEGER,
        restart: true,
        description:
          'A worker process that holds more memory is killed and replaced; by default 80 % of what there is, or of the container.',
      }),
    ),
    spares: Type.Integer({
      minimum: 0,
      maximum: 64,
      default: 1,
      restart: true,
      description: 'Started processes that stand ready to replace a worker that dies, 60 MB each.',
    }),
  }),
  requiredModels: names(
    'Models without which the gateway is not ready; by default all that were once healthy.',
  ),
}) satisfies TSchema;

/** The gateway's configuration, complete. Bytes, milliseconds and counts as the names say. */
export type GatewayConfig = OptionsOf<typeof gatewaySchema>;
