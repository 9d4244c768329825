/**
 * `npm run bench:malformed`: every malformed request of the corpus against a real Headgate, over raw sockets, each
 * followed by a good one. Prints what each got. Fails on a 5xx (but 501), a crash, or an answer other than promised.
 */
import path from 'node:path';
import { checkMalformed, checkServing } from '../test/http/check-malformed.ts';
import { type CorpusTarget, MALFORMED } from '../test/http/malformed.ts';
import { startHeadgate } from '../test/support/headgate.ts';
import { identity, writeRepository } from '../test/support/onnx.ts';
import { TempFolder } from './support/temp-folder.ts';

const MIB = 1024 * 1024;
const TARGET: CorpusTarget = {
  model: 'identity',
  goodBody: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }),
  maxBodyBytes: MIB,
  maxInflatedBytes: 2 * MIB,
};

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeRepository(repository, { identity: { versions: { 1: identity() } } });
await using headgate = await startHeadgate({
  repository,
  config: {
    limits: { maxBodyBytes: TARGET.maxBodyBytes, maxInflatedBytes: TARGET.maxInflatedBytes },
    timeouts: { headersMs: 400, requestMs: 600, keepAliveMs: 60_000 },
  },
});
const port = Number(new URL(headgate.url).port);
let broken = 0;
for (const malformed of MALFORMED) {
  try {
    const { status, error } = await checkMalformed(port, TARGET, malformed);
    await checkServing(port, TARGET);
    if (status >= 500 && status !== 501) broken++;
    console.log(`${status}  ${malformed.name.padEnd(48)} ${error.slice(0, 110)}`);
  } catch (failure) {
    broken++;
    console.log(`BROKEN  ${malformed.name}: ${(failure as Error).message}`);
  }
}
const alive = headgate.process.exitCode === null;
console.log(`${MALFORMED.length} kinds, ${broken} broken promises, gateway ${alive ? 'alive' : 'DEAD'}`);
process.exitCode = broken === 0 && alive ? 0 : 1;
