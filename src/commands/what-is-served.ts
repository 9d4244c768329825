/** What a person reads once everything has been loaded: which models answer, and one line to try. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ModelRow } from '../admin/service.ts';

/** A request body that an owner of a model may put beside it, for people who try it. */
const EXAMPLE = 'example.json';

export function whatIsServed(rows: readonly ModelRow[], url: string, repository: string): string {
  const ready = rows.filter(({ state }) => state === 'READY');
  const lines = rows.map(row => `  ${row.name} ${row.version}`.padEnd(28) + statusOf(row));
  const head = `Ready: ${ready.length} of ${rows.length} versions\n${lines.join('\n')}\n`;
  const example = ready.find(({ name }) => existsSync(path.join(repository, name, EXAMPLE)));
  return `${head}${tryLine(example, ready[0], url, repository)}`;
}

function statusOf({ state, reason, maxBatchSize = 0, instances, stable, labels }: ModelRow): string {
  if (state !== 'READY') return `${state}: ${reason}`;
  const roles = [...(stable ? ['stable'] : []), ...labels];
  const batching = maxBatchSize > 0 ? `batches of up to ${maxBatchSize} rows` : 'not batched';
  return `${batching}, ${instances} instances${roles.length > 0 ? ` (${roles.join(', ')})` : ''}`;
}

function tryLine(
  example: ModelRow | undefined,
  any: ModelRow | undefined,
  url: string,
  repository: string,
): string {
  if (example !== undefined) {
    const body = path.join(repository, example.name, EXAMPLE);
    return `Try:\n  curl -s ${url}/v2/models/${example.name}/infer -d @${body}\n`;
  }
  if (any !== undefined) return `Try:\n  curl -s ${url}/v2/models/${any.name}\n`;
  return `No model is ready. Put one at ${path.join(repository, '<name>', '1', 'model.onnx')}: it is loaded when it appears.\n`;
}
