/** Rows with a known end, for the runner's tests. */
import { spawn } from 'node:child_process';
import type { Row } from '../../bench/scoreboard/row.ts';
import { measureSubjects, ratios } from '../../bench/scoreboard/subjects.ts';
import { AnswerCheck } from '../../bench/support/answer-check.ts';
import { startBareServer, TEN_VALUES } from '../../bench/support/bare-server.ts';
import { figure } from './figures.ts';

/** A bare server that answers ten values, held to `expected`. */
const answering = (id: string, expected: readonly number[]): Row => ({
  id,
  title: 'ten values',
  async run(bench) {
    const check = new AnswerCheck('y', [Float32Array.from(expected)]);
    const request = Buffer.from('POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 2\r\n\r\n[]');
    const load = { requests: [request], connections: 2, seconds: 0.1, check: check.check.bind(check) };
    const start = (folder: string) => startBareServer('json-parse', folder);
    const pairs = await measureSubjects(bench, id, [
      { name: 'one', load, start },
      { name: 'other', load, start },
    ]);
    bench.plot({ series: id, offeredPerSecond: 1, answeredPerSecond: 1, p99Ms: 1 });
    return [figure(ratios(pairs, 'one', 'other', side => side.perSecond))];
  },
});

export const ROWS: readonly Row[] = [
  answering('right', TEN_VALUES),
  answering('wrong', TEN_VALUES.with(9, 8)),
  {
    id: 'hanging',
    title: 'starts a process and never ends',
    async run({ progress }) {
      const child = spawn('sleep', ['1000']);
      progress(String(child.pid));
      await new Promise(resolve => child.once('exit', resolve));
      return [];
    },
  },
  {
    id: 'throwing late',
    title: 'rejects where nobody waits',
    async run({ progress }) {
      progress(String(spawn('sleep', ['1000']).pid));
      setTimeout(() => Promise.reject(new Error('nobody waits for me')), 1);
      return new Promise(() => {});
    },
  },
];
