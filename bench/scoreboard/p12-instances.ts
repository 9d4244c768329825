/**
 * P12, one half: two instances ÷ one, over what a second process gains ONNX Runtime alone. With one instance on two
 * cores the other core is there for HTTP and the generator, with two it is not: the same in CPU is how much dearer a row
 * becomes for the workers, against how much dearer it becomes for ONNX Runtime.
 */
import path from 'node:path';
import { type BenchModel, type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { type EngineTable, measureEngine } from '../support/engine-table.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { copyModel } from '../support/model-copies.ts';
import type { Saturated } from '../support/saturate.ts';
import { fill, serveModel } from '../support/served-model.ts';
import { makeFigure } from './figure.ts';
import { measurePairs } from './pairs.ts';
import { subjectsOf } from './quick.ts';
import type { Bench, Figure } from './row.ts';

const COUNTS = [1, 2];
const SECONDS = 1.5;

interface Subject {
  readonly name: BenchModelName;
  readonly title: string;
  readonly connections: number;
  readonly batches: readonly number[];
}

const SUBJECTS: readonly Subject[] = [
  { name: 'direction', title: 'direction CNN', connections: 32, batches: [1, 2, 4] },
  { name: 'recogniser', title: 'recogniser', connections: 8, batches: [1] },
];

interface Pair {
  /** With one and with two instances. */
  readonly served: readonly Saturated[];
  /** Of ONNX Runtime in one and in two processes. */
  readonly engine: readonly EngineTable[];
}

export async function measureInstances(bench: Bench): Promise<Figure[]> {
  const repository = path.join(bench.folder, 'instances');
  const apart = path.join(bench.folder, 'originals');
  const models = new Map<Subject, BenchModel>();
  const subjects = subjectsOf(bench, SUBJECTS);
  for (const subject of subjects) {
    const model = await prepareModel(apart, subject.name);
    models.set(subject, model);
    for (const count of COUNTS) {
      const config = { instances: [{ kind: 'cpu', count }], timeoutMs: 10_000 };
      await copyModel(repository, model, nameOf(subject, count), config);
    }
  }
  const pairs = await measurePairs(bench, (pair, name) => {
    bench.progress(`instances, ${name}`);
    return measurePair(bench, repository, models, pair);
  });
  return subjects.map(subject =>
    figureOf(
      subject,
      pairs.map(pair => pair.get(subject) as Pair),
    ),
  );
}

const nameOf = ({ name }: Subject, count: number): string => `${name}-${count}`;

async function measurePair(
  bench: Bench,
  repository: string,
  models: ReadonlyMap<Subject, BenchModel>,
  pair: number,
): Promise<Map<Subject, Pair>> {
  await using server = await startHeadgate(repository, path.join(bench.folder, `instances-${pair}`));
  const found = new Map<Subject, Pair>();
  for (const [subject, model] of models) {
    const { connections, batches } = subject;
    const served: Saturated[] = [];
    const engine: EngineTable[] = [];
    for (const index of pair % 2 === 0 ? [0, 1] : [1, 0]) {
      const count = COUNTS[index] as number;
      const copy = serveModel(model, nameOf(subject, count));
      await fill(server, copy, { connections, seconds: Math.max(1, (SECONDS / 2) * bench.scale) });
      served[index] = await fill(server, copy, {
        connections,
        seconds: Math.max(1, SECONDS * bench.scale),
      });
      const seconds = Math.max(0.2, 0.6 * bench.scale);
      engine[index] = await measureEngine(model, { batches, seconds, processes: count });
    }
    found.set(subject, { served, engine });
  }
  return found;
}

function figureOf({ title }: Subject, pairs: readonly Pair[]): Figure {
  const gain = ([one = Number.NaN, two = Number.NaN]: readonly number[]) => two / one;
  const servedGain = ({ served }: Pair) => gain(served.map(({ perSecond }) => perSecond));
  const engineGain = ({ engine }: Pair) => gain(engine.map(({ bestPerSecond }) => bestPerSecond));
  const dearer = ({ served }: Pair) => gain(served.map(({ workersCpuUs }) => workersCpuUs));
  const engineDearer = ({ engine }: Pair) => gain(engine.map(({ bestCpuUs }) => bestCpuUs));
  const isVoid = pairs.map(({ engine }) => engine[0]?.isVoid).find(reason => reason !== undefined);
  return makeFigure({
    row: 'P12',
    name: `2 instances, ${title}`,
    unit: 'ratio',
    all: pairs.map(pair => servedGain(pair) / engineGain(pair)),
    target: { bound: 'least', value: 0.95 },
    cpu: median(pairs.map(pair => engineDearer(pair) / dearer(pair))),
    ...(isVoid !== undefined && { isVoid }),
    details: {
      pairs: pairs.map(pair => ({
        served: pair.served,
        gain: servedGain(pair),
        enginePerSecond: pair.engine.map(({ bestPerSecond }) => bestPerSecond),
        engineGain: engineGain(pair),
      })),
    },
  });
}
