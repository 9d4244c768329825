/** A model's options, each declared here once. `reload` marks those whose change loads its versions anew. */
import { availableParallelism } from 'node:os';
import { type TSchema, Type } from 'typebox';
import { defaultInstances } from './default-instances.ts';
import type { OptionNotes, OptionsOf } from './option-schema.ts';

const RELOAD = { reload: true };
const LATER = { later: true };
const MAX_VERSION = Number.MAX_SAFE_INTEGER;

const int = (minimum: number, maximum: number, description: string, notes: OptionNotes = {}) =>
  Type.Integer({ minimum, maximum, description, ...notes });
const ms = (fallback: number, description: string, notes: OptionNotes = {}) =>
  Type.Integer({ minimum: 1, maximum: 86_400_000, default: fallback, description, ...notes });
const sizes = (description: string) =>
  Type.Array(int(1, 65_536, 'Rows.'), { default: [], maxItems: 64, description, ...RELOAD });

const batching = Type.Object({
  maxQueueDelayMs: Type.Union([Type.Number({ minimum: 0, maximum: 60_000 }), Type.Literal('auto')], {
    default: 'auto',
    expected: 'a number from 0 to 60000, or auto',
    description:
      'How long a free worker waits for a fuller batch, ms; auto: it learns when waiting pays (docs/batching.md).',
    ...RELOAD,
  }),
  preferredBatchSizes: sizes(
    'Sizes worth waiting for within maxQueueDelayMs; the largest available one is taken.',
  ),
  allowedBatchSizes: sizes(
    'The only sizes that are run; others are padded up. Ascending, the last is maxBatchSize.',
  ),
  maxQueueRows: int(1, 10_000_000, 'Rows that may wait; more is a 429.', { default: 1024, ...RELOAD }),
  sendAhead: Type.Boolean({
    default: true,
    description: 'Send a batch so early that it arrives as the one before it ends.',
    ...RELOAD,
  }),
  maxQueueBytes: int(1, Number.MAX_SAFE_INTEGER, 'Tensor bytes that may wait; more is a 429.', {
    default: 256 * 1024 * 1024,
    ...RELOAD,
  }),
});

const padding = Type.Object({
  inputs: Type.Record(
    Type.String({ pattern: '^[\\s\\S]+$' }),
    Type.Object({
      axis: int(1, 31, 'The axis that may be lengthened; the batch axis is 0.'),
      value: Type.Number({ default: 0, description: 'What it is lengthened with.' }),
      multipleOf: int(1, 65_536, 'Lengths are padded to a multiple of it: the stride of the model.', {
        default: 1,
      }),
      maxTimes: Type.Optional(
        Type.Number({
          minimum: 1.25,
          maximum: 1_000_000,
          description: 'The most times its own length that a row is padded to; absent: any.',
        }),
      ),
    }),
    {
      default: {},
      expected: 'names of inputs, each with an axis',
      description: 'Inputs that may be padded, so that requests of different lengths share a batch.',
      ...RELOAD,
    },
  ),
  outputs: Type.Record(
    Type.String({ pattern: '^[\\s\\S]+$' }),
    Type.Object({
      axis: Type.Optional(int(1, 31, "The axis that is cut back to the caller's share; absent: not cut.")),
      follows: Type.Optional(
        Type.String({ description: 'The padded input whose length it follows; by default the first.' }),
      ),
    }),
    {
      default: {},
      expected: 'names of outputs, each with an axis or empty',
      description: 'Outputs whose length follows that of a padded input.',
      ...RELOAD,
    },
  ),
});

const instance = Type.Object({
  kind: Type.Enum(['cpu', 'webgpu', 'cuda', 'tensorrt'], {
    default: 'cpu',
    description: 'Execution provider.',
  }),
  count: int(1, 256, 'Sessions; of each device, where there are devices.', { default: 1 }),
  intraOpThreads: int(1, 256, 'Threads inside one run.', { default: 1 }),
  devices: Type.Optional(
    Type.Array(int(0, 255, 'Device number.'), {
      maxItems: 64,
      description: 'GPUs to use; by default the first.',
    }),
  ),
});

const warmupInput = Type.Object({
  shape: Type.Array(int(0, 2 ** 31, 'Elements.'), {
    maxItems: 32,
    expected: 'a list of dimensions',
    description: 'Dimensions of one row, without the batch axis; all of them where the model has none.',
  }),
  fill: Type.Union([Type.Literal('zero'), Type.Literal('random'), Type.Number()], {
    default: 'zero',
    expected: 'zero, random or a number',
    description: 'Value of every element.',
  }),
});

const warmup = Type.Object({
  batchSize: int(1, 65_536, 'Rows of the sample.', { default: 1 }),
  inputs: Type.Optional(
    Type.Record(Type.String({ pattern: '^[\\s\\S]+$' }), warmupInput, {
      description: 'Sample input by name, where shape or values cannot be derived.',
    }),
  ),
});

const remote = Type.Object({
  url: Type.String({
    pattern: '^https?://[^/\\s]+/?$',
    expected: 'an http or https address without a path',
    description: 'A server that speaks Open Inference Protocol v2.',
  }),
  concurrency: int(1, 4096, 'Batches it may have at once.', { default: 4 }),
  contentId: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'Names the content it serves; without it nothing of it is cached.',
    }),
  ),
  model: Type.Optional(Type.String({ minLength: 1, description: 'Its name there; absent: the same.' })),
  version: Type.Optional(
    Type.String({ minLength: 1, description: 'Its version there; absent: the one that answers by default.' }),
  ),
  binary: Type.Optional(
    Type.Boolean({
      description:
        'Whether it takes binary tensors; absent: as it announces. One that refuses them is sent JSON.',
    }),
  ),
  tokenEnv: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
      expected: 'the name of an environment variable',
      description: 'Variable that holds the bearer token to send.',
    }),
  ),
  tls: Type.Optional(
    Type.Object({
      ca: Type.Optional(Type.String({ minLength: 1, description: 'File of the authorities to trust.' })),
      cert: Type.Optional(Type.String({ minLength: 1, description: 'File of the certificate to show.' })),
      key: Type.Optional(Type.String({ minLength: 1, description: 'File of its key.' })),
      serverName: Type.Optional(
        Type.String({ minLength: 1, description: 'Name the certificate must be for; absent: of the url.' }),
      ),
    }),
  ),
});

export const modelSchema = Type.Object({
  maxBatchSize: Type.Optional(
    int(0, 65_536, 'Rows per run; 0: no batch axis. Derived and verified when absent.', RELOAD),
  ),
  batching,
  padding,
  sloMs: Type.Optional(int(1, 86_400_000, 'Latency that maxQueueDelayMs: auto works towards.', RELOAD)),
  timeoutMs: ms(1000, 'Default deadline of a request.'),
  maxTimeoutMs: ms(60_000, 'The most a request may ask for; a run may take as long, or two minutes.', RELOAD),
  instances: Type.Array(instance, {
    default: [{ kind: 'cpu', count: defaultInstances(availableParallelism()), intraOpThreads: 1 }],
    derived: true,
    maxItems: 64,
    expected: 'a list of instance groups',
    description:
      'Sessions and where they run; by default of one thread, one for each core up to four, 2 × √cores beyond: each has its own copy of the weights.',
    ...RELOAD,
  }),
  isolation: Type.Enum(['shared', 'dedicated'], {
    default: 'shared',
    description: 'Share worker processes with other models, or have own ones.',
    ...RELOAD,
  }),
  remote: Type.Array(remote, {
    default: [],
    maxItems: 64,
    description:
      'Servers used as workers, beside the instances; where there is no model file, instead of them.',
    ...RELOAD,
  }),
  versions: Type.Union(
    [
      Type.Object({ latest: Type.Integer({ minimum: 1, maximum: 1000 }) }, { additionalProperties: false }),
      Type.Literal('all'),
      Type.Array(Type.Integer({ minimum: 1, maximum: MAX_VERSION }), { minItems: 1, maxItems: 1000 }),
    ],
    {
      default: { latest: 1 },
      expected: '{ latest: <count> }, all, or a list of versions',
      description: 'Which versions on disk are loaded, besides those that stable and labels name.',
    },
  ),
  stable: Type.Optional(
    int(1, MAX_VERSION, 'Version that answers by default; absent: the highest ready one.'),
  ),
  labels: Type.Record(
    Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9._-]{0,127}$' }),
    int(1, MAX_VERSION, 'A version.'),
    {
      default: {},
      expected: 'names that begin with a letter, each with a version',
      description: 'Names for versions, usable in URLs.',
    },
  ),
  warmup: Type.Array(warmup, {
    default: [],
    maxItems: 64,
    expected: 'a list of samples',
    description: 'Samples run before a version is ready.',
    ...RELOAD,
  }),
  priorityLevels: int(1, 64, 'Levels a request may ask for; 1 is the most urgent.', {
    default: 1,
    ...RELOAD,
  }),
  classLabels: Type.Record(
    Type.String({ pattern: '^[\\s\\S]+$' }),
    Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String(), { maxItems: 1_000_000 })], {
      expected: "a file in the model's folder with a label a line, or a list of labels",
    }),
    {
      default: {},
      expected: 'outputs and their labels',
      description: 'Names of the classes of an output, by index.',
    },
  ),
  coalesce: Type.Boolean({
    default: true,
    description:
      'Let equal requests that are under way share one run; never for a model that is not deterministic.',
    ...RELOAD,
  }),
  cache: Type.Object({
    enabled: Type.Boolean({
      default: false,
      description:
        'Answer from earlier results of the same input; never for a model that is not deterministic.',
      ...RELOAD,
    }),
    ttlMs: ms(600_000, 'How long a result may be used.', RELOAD),
    staleWhileRevalidateMs: Type.Integer({
      minimum: 0,
      maximum: 86_400_000,
      default: 0,
      description: 'How long past its time a result still answers while it is computed anew.',
      ...RELOAD,
    }),
    rowLevel: Type.Boolean({
      default: true,
      description:
        'Look up, join and keep single rows where rows were seen to be independent; false: whole requests.',
      ...RELOAD,
    }),
  }),
  hedge: Type.Boolean({
    default: false,
    description:
      'Send a batch to a second worker too when it takes longer than 95 of 100 like it; needs instances on several.',
    ...RELOAD,
  }),
  breaker: Type.Object({
    failureShare: Type.Number({
      minimum: 0.01,
      maximum: 1,
      default: 0.5,
      expected: 'a number from 0.01 to 1',
      description:
        'Runs that fail by their worker, of those within windowMs: with as many, that worker is left out.',
      ...RELOAD,
    }),
    leastRuns: int(1, 1_000_000, 'Runs without which a window says nothing.', { default: 20, ...RELOAD }),
    windowMs: int(100, 3_600_000, 'How far back runs count.', { default: 10_000, ...RELOAD }),
    openMs: int(100, 300_000, 'How long a worker is left out the first time; then twice as long each time.', {
      default: 10_000,
      ...RELOAD,
    }),
    slowRunMs: Type.Optional(int(1, 86_400_000, 'Runs that take longer are slow; absent: none is.', RELOAD)),
    slowShare: Type.Number({
      minimum: 0.01,
      maximum: 1,
      default: 0.8,
      expected: 'a number from 0.01 to 1',
      description: 'Slow runs, of those within windowMs: with as many, that worker is left out.',
      ...RELOAD,
    }),
  }),
  fallback: Type.Object({
    version: Type.Optional(
      int(1, MAX_VERSION, 'Version that answers while this one is out of service; of model, where given.'),
    ),
    model: Type.Optional(
      Type.String({
        pattern: '^(?!\\.)[A-Za-z0-9._-]{1,128}$',
        expected: "a model's name",
        description: 'Model that answers while this one is out of service: of equal inputs and outputs.',
      }),
    ),
    onCanaryFailure: Type.Enum(['stable', 'none'], {
      default: 'stable',
      description: 'Who answers when a canary fails.',
      ...LATER,
    }),
    staleIfErrorMs: Type.Integer({
      minimum: 0,
      maximum: 86_400_000,
      default: 60_000,
      description: 'How long past its time a cached result may stand in for a failing model.',
      ...RELOAD,
    }),
  }),
}) satisfies TSchema;

/** One model's configuration, complete; rows, bytes and milliseconds as the names say. */
export type ModelConfig = OptionsOf<typeof modelSchema>;
