/** JSON schemas of what the operator's plane takes and gives, for its OpenAPI document. */
const text = { type: 'string' };
const flag = { type: 'boolean' };
const number = { type: 'number', minimum: 0 };
const count = { type: 'integer', minimum: 0 };
const state = { enum: ['LOADING', 'READY', 'UNLOADING', 'UNAVAILABLE'] };
const duration = object({ count, ns: count });

export const SCHEMAS = {
  Error: object({ error: text }),
  Live: object({ live: flag }),
  Ready: object({ live: flag, ready: flag }),
  Models: list(
    object(
      { name: text, version: text, state, reason: text, stable: flag, labels: list(text) },
      {
        maxBatchSize: count,
        instances: count,
        memoryBytes: count,
        queuedRows: count,
        cache: object({ results: count, bytes: count, stepsAside: flag }),
        settings: { type: 'object', additionalProperties: object({ value: {}, origin: text }) },
      },
    ),
  ),
  Workers: list(
    object(
      { name: text, state: { enum: ['starting', 'ready', 'exited', 'waiting', 'unreachable'] } },
      {
        pid: count,
        device: text,
        memoryBytes: count,
        models: list(object({ model: text, version: text, instances: count })),
        restarts: count,
        detail: text,
      },
    ),
  ),
  Breakers: list(
    object(
      {
        model: text,
        version: text,
        worker: text,
        state: { enum: ['closed', 'open', 'trying'] },
        reason: text,
        calls: count,
        failures: count,
        slow: count,
        sinceMs: number,
      },
      { nextTrialMs: number },
    ),
  ),
  Pressure: object({
    memoryShare: number,
    loopDelayMs: number,
    steps: list(object({ step: text, isOff: flag })),
  }),
  BreakerRequest: object(
    { state: { enum: ['open', 'closed'] } },
    { reason: { ...text, description: 'What callers are told.', maxLength: 200 } },
  ),
  Learned: list(
    object({
      model: text,
      version: text,
      kind: text,
      signature: text,
      togetherRows: count,
      kneeRows: count,
      bestRows: count,
      arrivalsPerSecond: number,
      sizes: list(
        object({
          rows: number,
          runs: count,
          runMs: number,
          upperMs: number,
          overheadMs: number,
          leastOverheadMs: number,
        }),
      ),
    }),
  ),
  Config: {},
  Statistics: object({
    model_stats: list(
      object({
        name: text,
        version: text,
        last_inference: count,
        inference_count: count,
        execution_count: count,
        inference_stats: { type: 'object', additionalProperties: duration },
        response_stats: { type: 'object' },
        batch_stats: list(
          object({
            batch_size: count,
            compute_input: duration,
            compute_infer: duration,
            compute_output: duration,
          }),
        ),
        memory_usage: list({ type: 'object' }),
      }),
    ),
  }),
  IndexRequest: object({}, { ready: { ...flag, description: 'Only versions that can answer.' } }),
  Index: list(object({ name: text, version: text, state, reason: text })),
  LoadRequest: object(
    {},
    {
      parameters: object(
        {},
        {
          config: { ...text, description: "The model's configuration as JSON text, in place of its file's." },
        },
      ),
    },
  ),
  PurgeRequest: object({}, { version: { ...text, description: 'A number; absent: every version.' } }),
  Purged: object({ purged: count }),
  UnloadRequest: object({}, { parameters: { type: 'object' } }),
  OpenApi: { type: 'object' },
};

function object(properties: object, optional: object = {}): object {
  const required = Object.keys(properties);
  return {
    type: 'object',
    properties: { ...properties, ...optional },
    ...(required.length > 0 && { required }),
  };
}

function list(items: object): object {
  return { type: 'array', items };
}
