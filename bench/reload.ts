/**
 * `node bench/reload.ts [--reloads 100]`: replaces a version's file again and again while 32 callers use it. Every call
 * must be answered 200 by a content that was current while it ran, and no caller may see an older content again.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { addConstant, writeRepository } from '../test/support/onnx.ts';
import { startHeadgate } from './support/headgate.ts';
import { load, outcomesText } from './support/load.ts';
import { median } from './support/median.ts';
import { inferPath, inferRequest, readAnswer } from './support/oip.ts';
import { processTree } from './support/process-tree.ts';
import { contentReplaced } from './support/replaced-content.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { reloads: { type: 'string', default: '100' } } });
const reloads = Number(args.reloads);
const CALLERS = 32;

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeRepository(repository, { add: { versions: { 1: addConstant(0) } } });
await using server = await startHeadgate(repository, folder.path, { log: { level: 'warn' } });

const feed = [{ name: 'x', shape: [1, 4], values: new Float32Array(4) }];
const requests = (['json', 'binary'] as const).map(encoding =>
  inferRequest(inferPath('add'), feed, encoding),
);
const newest: number[] = new Array(CALLERS).fill(0);
let written = 0;
let stopping = false;

const loading = load({
  port: server.port,
  callers: CALLERS,
  next: (caller, turn) => (stopping ? undefined : requests[(caller + turn) % 2]),
  check: (reply, caller) => {
    const values = (readAnswer(reply).get('y') ?? []).map(Number);
    const content = values[0] ?? -1;
    if (values.length !== 4 || values.some(value => value !== content)) throw new Error('torn');
    if (content < (newest[caller] ?? 0) || content > written) throw new Error('an older content again');
    newest[caller] = content;
  },
});

function reloadWith(content: number): Promise<number | undefined> {
  written = content;
  return contentReplaced(server.port, repository, {
    ...{ model: 'add', width: 4, content: addConstant(content), answer: content },
  });
}

const times: number[] = [];
const rss = () => processTree(server.pid).reduce((sum, info) => sum + info.rssBytes, 0) / 2 ** 20;
const rssBefore = rss();
for (let content = 1; content <= reloads; content++) {
  const took = await reloadWith(content);
  if (took === undefined) break;
  times.push(took);
  if (content % 10 === 0) progress(`${content}/${reloads} reloads`);
}
const rssAfter = rss();
stopping = true;
const outcomes = await loading;

printTable([
  ['reloads', 'outcomes', 'until new content, median ms', 'longest', 'RSS before MiB', 'after'],
  [
    times.length,
    outcomesText(outcomes),
    Math.round(median(times)),
    Math.round(Math.max(...times)),
    Math.round(rssBefore),
    Math.round(rssAfter),
  ],
]);
console.log(writeResult('reload', { outcomes: Object.fromEntries(outcomes), times, rssBefore, rssAfter }));
verdict([
  ...(times.length === reloads ? [] : [`content ${times.length + 1} never answered`]),
  ...[...outcomes].filter(([outcome]) => outcome !== '200').map(([outcome, n]) => `${outcome}: ${n}`),
]);
