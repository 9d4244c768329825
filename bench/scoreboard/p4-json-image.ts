/** P4: images as JSON on a model with ten values for an answer ÷ a bare server that only calls `JSON.parse` on them. */
import path from 'node:path';
import { uniform } from '../../test/support/random.ts';
import { AnswerCheck } from '../support/answer-check.ts';
import { startBareServer, TEN_VALUES } from '../support/bare-server.ts';
import { type BenchModel, prepareModel } from '../support/bench-models.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { inferPath } from '../support/oip.ts';
import { makeFigure } from './figure.ts';
import { subjectsOf } from './quick.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects, ratios } from './subjects.ts';

const CONNECTIONS = 8;
const SECONDS = 3;
const IMAGES = 8;
const VALUES = 3 * 224 * 224;

const DIGITS: Readonly<Record<string, (random: number) => string>> = {
  '8 digits': random => random.toFixed(8),
  '17 digits': random => random.toPrecision(17),
  integers: random => String(Math.floor(random * 256)),
};

export const p4: Row = {
  id: 'P4',
  title: 'JSON image 1×3×224×224: requests/s ÷ bare JSON.parse',
  budgetSeconds: 210,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const [name, write] of subjectsOf(bench, Object.entries(DIGITS))) {
      figures.push(await measureDigits(bench, name, write));
    }
    return figures;
  },
};

async function measureDigits(bench: Bench, name: string, write: (random: number) => string): Promise<Figure> {
  const repository = path.join(bench.folder, name.replace(' ', '-'));
  const random = uniform(11);
  const texts = Array.from({ length: IMAGES }, () => Array.from({ length: VALUES }, () => write(random())));
  const samples = texts.map(numbers => Float32Array.from(numbers, Number));
  const model = await prepareModel(repository, 'image', { samples });
  const load = {
    requests: texts.map(numbers => imageRequest(model, numbers)),
    connections: CONNECTIONS,
    seconds: SECONDS,
  };
  const answers = new AnswerCheck(model.output, model.expected);
  const tenValues = new AnswerCheck(
    'y',
    texts.map(() => Float32Array.from(TEN_VALUES)),
  );
  const pairs = await measureSubjects(bench, name, [
    {
      name: 'headgate',
      load: { ...load, check: answers.check.bind(answers) },
      start: folder => startHeadgate(repository, folder),
    },
    {
      name: 'bare',
      load: { ...load, check: tenValues.check.bind(tenValues) },
      start: folder => startBareServer('json-parse', folder),
    },
  ]);
  return makeFigure({
    row: 'P4',
    name,
    unit: 'ratio',
    all: ratios(pairs, 'headgate', 'bare', side => side.perSecond),
    target: { bound: 'least', value: 1, stretch: 1.4 },
    cpu: median(ratios(pairs, 'bare', 'headgate', side => side.cpuUs)),
    details: { pairs, requestBytes: load.requests[0]?.length },
  });
}

function imageRequest(model: BenchModel, numbers: readonly string[]): Buffer {
  const shape = [1, ...model.rowShape];
  const body = `{"inputs":[{"name":"${model.input}","datatype":"FP32","shape":[${shape}],"data":[${numbers}]}]}`;
  const head = `POST ${inferPath(model.name)} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n`;
  return Buffer.from(`${head}content-length: ${body.length}\r\n\r\n${body}`);
}
