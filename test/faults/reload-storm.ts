/** R12: a model's content replaced again and again under traffic; nobody sees an error, or content that never was. */

import { processTree } from '../../bench/support/process-tree.ts';
import { contentReplaced } from '../../bench/support/replaced-content.ts';
import { addConstant } from '../support/onnx.ts';
import { row, timed } from './figures.ts';
import { rowsPlus, s5Rows, startReloadable, whileWorking } from './reloading.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { type Subject, WIDTH } from './subject.ts';

const MAX_GROWTH = 1.3;

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const times = options.short ? 5 : 100;
  await using subject = await startReloadable();
  let written = 0;
  const beside = rowsPlus(
    'add',
    constant => Number.isInteger(constant) && constant >= 0 && constant <= written,
  );
  const before = memoryMiB(subject);
  const result = await whileWorking(subject, beside, options, async () => {
    const tookMs: number[] = [];
    for (written = 1; written <= times; written++) {
      tookMs.push(await replace(subject, written));
      if (written % 10 === 0) options.progress(`${written} of ${times}`);
    }
    return tookMs;
  });
  const after = memoryMiB(subject);
  const slowest = Math.max(...result.worked);
  return {
    rows: [
      row(
        'reloads that came into force',
        `${result.worked.length} of ${times}`,
        'all',
        result.worked.length === times,
      ),
      timed('slowest to come into force', `${Math.round(slowest)} ms`, '≤ 5000 ms', slowest <= 5000),
      timed(
        'memory after ÷ before',
        (after / before).toFixed(2),
        `≤ ${MAX_GROWTH}`,
        after <= MAX_GROWTH * before,
      ),
      ...s5Rows(result),
    ],
    details: { ...result, before, after },
  };
}

async function replace({ address, repository }: Subject, constant: number): Promise<number> {
  const tookMs = await contentReplaced(address.port, repository, {
    ...{ model: 'add', width: WIDTH, content: addConstant(constant, WIDTH), answer: constant },
  });
  if (tookMs === undefined) throw new Error(`content ${constant} never came into force`);
  return tookMs;
}

/** Of the gateway and all of its workers. */
const memoryMiB = ({ headgate }: Subject): number =>
  processTree(headgate.pid).reduce((sum, { rssBytes }) => sum + rssBytes, 0) / 2 ** 20;
