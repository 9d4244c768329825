/** P2: what is left of a bare JSON server's requests per second when a gateway and a worker stand behind it. */
import path from 'node:path';
import { AnswerCheck } from '../support/answer-check.ts';
import { startBareServer } from '../support/bare-server.ts';
import { prepareModel } from '../support/bench-models.ts';
import { decimals } from '../support/decimals.ts';
import { startHeadgate } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { inferPath, inferRequest } from '../support/oip.ts';
import { makeFigure } from './figure.ts';
import type { Bench, Figure, Row } from './row.ts';
import { measureSubjects, ratios } from './subjects.ts';

const CONNECTIONS = 128;
const SECONDS = 4;

export const p2: Row = {
  id: 'P2',
  title: 'identity, JSON, 16 floats: requests/s ÷ bare JSON echo',
  budgetSeconds: 90,
  async run(bench: Bench): Promise<readonly Figure[]> {
    const repository = path.join(bench.folder, 'models');
    const model = await prepareModel(repository, 'identity16');
    const requests = model.rows.map(row =>
      inferRequest(
        inferPath(model.name),
        [{ name: model.input, shape: [1, 16], values: decimals(row) }],
        'json',
      ),
    );
    const answers = new AnswerCheck(model.output, model.expected);
    const echoed = requests.map(request => {
      const body = request.toString().slice(request.indexOf('\r\n\r\n') + 4);
      return Buffer.from(JSON.stringify(JSON.parse(body)));
    });
    const load = { requests, connections: CONNECTIONS, seconds: SECONDS };
    const pairs = await measureSubjects(bench, 'identity', [
      {
        name: 'headgate',
        load: { ...load, check: answers.check.bind(answers) },
        start: folder => startHeadgate(repository, folder),
      },
      {
        name: 'bare',
        load: {
          ...load,
          check: ({ body }, index) => {
            if (echoed[index]?.equals(body) !== true) throw new Error('not what was sent');
          },
        },
        start: folder => startBareServer('json-echo', folder),
      },
    ]);
    return [
      makeFigure({
        row: 'P2',
        name: 'JSON, 16 floats',
        unit: 'ratio',
        all: ratios(pairs, 'headgate', 'bare', side => side.perSecond),
        target: { bound: 'least', value: 0.5 },
        cpu: median(ratios(pairs, 'bare', 'headgate', side => side.cpuUs)),
        details: { pairs },
      }),
    ];
  },
};
