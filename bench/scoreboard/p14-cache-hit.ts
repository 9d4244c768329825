/**
 * P14: what a kept result costs. Requests per second that are all answered from the cache ÷ bare Fastify that answers
 * the same requests with the same bytes, a text it has; and ÷ the same model without a cache.
 */
import path from 'node:path';
import { AnswerCheck } from '../support/answer-check.ts';
import { prepareModel } from '../support/bench-models.ts';
import { decimals } from '../support/decimals.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { inferPath, inferRequest } from '../support/oip.ts';
import { startStaticFastify } from '../support/static-fastify.ts';
import { makeFigure } from './figure.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects, ratios } from './subjects.ts';

const CONNECTIONS = 128;
const SECONDS = 4;

export const p14: Row = {
  id: 'P14',
  title: 'cache hits, JSON, 16 floats: requests/s ÷ bare Fastify with the same bytes',
  budgetSeconds: 150,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const [cached, uncached] = ['cached', 'uncached'].map(name => path.join(bench.folder, name)) as [
      string,
      string,
    ];
    const model = await prepareModel(cached, 'identity16', {
      reuses: true,
      config: 'cache: { enabled: true }',
    });
    await prepareModel(uncached, 'identity16');
    const at = inferPath(model.name);
    const requests = model.rows.map(row =>
      inferRequest(at, [{ name: model.input, shape: [1, 16], values: decimals(row) }], 'json'),
    );
    const answers = new AnswerCheck(model.output, model.expected);
    const text = answerText(model.name, model.output, model.rows[0] as Float32Array);
    const load = { requests, connections: CONNECTIONS, seconds: SECONDS };
    const checked = { ...load, check: answers.check.bind(answers) };
    const pairs = await measureSubjects(bench, 'identity', [
      { name: 'hits', load: checked, start: folder => startHeadgate(cached, folder) },
      {
        name: 'fastify',
        load: {
          ...load,
          check: ({ body }) => {
            if (body.toString() !== text) throw new Error('not the text');
          },
        },
        start: folder => startStaticFastify(at, text, folder),
      },
      { name: 'uncached', load: checked, start: folder => startHeadgate(uncached, folder) },
    ]);
    const against = (other: string) => ({
      row: 'P14',
      unit: 'ratio' as const,
      all: ratios(pairs, 'hits', other, side => side.perSecond),
      cpu: median(ratios(pairs, other, 'hits', side => side.cpuUs)),
    });
    return [
      makeFigure({
        ...against('fastify'),
        name: 'hits ÷ bare Fastify',
        target: { bound: 'least', value: 0.8 },
        details: { pairs },
      }),
      makeFigure({ ...against('uncached'), name: 'hits ÷ uncached', details: {} }),
    ];
  },
};

/** As many bytes as Headgate answers one of the requests with. */
function answerText(model: string, output: string, row: Float32Array): string {
  const data = decimals(row);
  const outputs = [{ name: output, datatype: 'FP32', shape: [1, row.length], data }];
  return JSON.stringify({ model_name: model, model_version: '1', outputs });
}
