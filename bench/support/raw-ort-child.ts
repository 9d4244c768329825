/** The child of `raw-ort.ts`: one session, run on this thread as fast as it goes, and nothing else. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { isExpected } from './is-expected.ts';
import type { RawModel, RawOrder, RawReply, RawRuns } from './raw-ort.ts';

const TURNS = 10;

interface Loaded {
  readonly session: InferenceSession;
  readonly model: RawModel;
}

let loaded: Loaded | undefined;

async function obey(order: RawOrder): Promise<RawReply> {
  if (order.kind === 'load') {
    const { model, intraOpThreads } = order;
    const session = await InferenceSession.create(model.file, {
      intraOpNumThreads: intraOpThreads,
      logSeverityLevel: 4,
    });
    loaded = { session, model };
    return { kind: 'loaded' };
  }
  if (loaded === undefined) throw new Error('no model is loaded');
  if (order.kind === 'answers') return { kind: 'answers', answers: await answers(loaded) };
  return { kind: 'measured', runs: await measure(loaded, order) };
}

async function answers({ session, model }: Loaded): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for (const row of model.rows) found.push(await run(session, model, stack(model, [row])));
  return found;
}

async function run(session: InferenceSession, model: RawModel, feed: Tensor): Promise<Float32Array> {
  const output = (await session.run({ [model.input]: feed }))[model.output];
  if (output === undefined) throw new Error(`${session.outputNames} are its outputs, not ${model.output}`);
  return output.data as Float32Array;
}

function stack(model: RawModel, rows: readonly Float32Array[]): Tensor {
  const size = rows[0]?.length ?? 0;
  const values = new Float32Array(size * rows.length);
  for (const [i, row] of rows.entries()) values.set(row, i * size);
  return new Tensor('float32', values, [rows.length, ...model.rowShape]);
}

type Measure = Extract<RawOrder, { kind: 'measure' }>;

async function measure({ session, model }: Loaded, order: Measure): Promise<RawRuns[]> {
  const subjects = order.batches.map(batch => ({
    batch,
    feed: stack(
      model,
      Array.from({ length: batch }, (_, i) => model.rows[i % model.rows.length] as Float32Array),
    ),
    runsMs: [] as number[],
    cpuSeconds: 0,
    seconds: 0,
  }));
  const turnMs = (order.seconds * 1000) / TURNS;
  for (let turn = -2; turn < TURNS; turn++) {
    for (const subject of subjects) {
      if (turn === 0) Object.assign(subject, { runsMs: [], cpuSeconds: 0, seconds: 0 });
      await takeTurn(session, model, subject, turnMs);
    }
  }
  if (order.expected !== undefined) {
    for (const { batch, feed } of subjects) {
      checkAnswers(await run(session, model, feed), batch, order.expected);
    }
  }
  return subjects.map(({ runsMs, cpuSeconds, seconds }) => ({
    runsMs: Float64Array.from(runsMs),
    cpuSeconds,
    seconds,
  }));
}

interface Subject {
  readonly feed: Tensor;
  readonly runsMs: number[];
  cpuSeconds: number;
  seconds: number;
}

async function takeTurn(
  session: InferenceSession,
  model: RawModel,
  subject: Subject,
  turnMs: number,
): Promise<void> {
  const feeds = { [model.input]: subject.feed };
  const cpu = process.cpuUsage();
  const started = performance.now();
  let now = started;
  do {
    await session.run(feeds);
    const ended = performance.now();
    subject.runsMs.push(ended - now);
    now = ended;
  } while (now - started < turnMs);
  const { user, system } = process.cpuUsage(cpu);
  subject.cpuSeconds += (user + system) / 1e6;
  subject.seconds += (now - started) / 1000;
}

function checkAnswers(output: Float32Array, batch: number, expected: readonly Float32Array[]): void {
  const size = output.length / batch;
  for (let i = 0; i < batch; i++) {
    const wanted = expected[i % expected.length] as Float32Array;
    if (!isExpected(output.subarray(i * size, (i + 1) * size), wanted)) {
      throw new Error(`row ${i} of a batch of ${batch} is not answered as alone`);
    }
  }
}

process.on('message', async (order: RawOrder) => {
  const reply: RawReply = await obey(order).catch((error: unknown) => ({
    kind: 'failed' as const,
    message: error instanceof Error ? error.message : String(error),
  }));
  process.send?.(reply);
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
