/** A finding's bytes, made as small as they can be while they still find the same. */
import type { Finding, FuzzCase } from './fuzz-case.ts';
import { check } from './in-process-subject.ts';
import { InferConnection } from './infer-connection.ts';
import { partsOf, withBody } from './infer-request.ts';
import { troubleOf } from './judge.ts';
import { exchangeRaw } from './raw-exchange.ts';
import { shrunk } from './shrink.ts';
import { FuzzedHeadgate } from './subject.ts';

/** The bytes as they were where a try would take seconds, or what was found is of no one case. */
export async function leastOf(finding: Finding): Promise<Buffer> {
  const { trouble, case: fuzzed } = finding;
  const { kind, bytes } = fuzzed;
  if (trouble === 'hang' || trouble === 'growth') return bytes;
  if (kind === 'config' || kind === 'model') return shrunk(bytes, less => throws({ ...fuzzed, bytes: less }));
  if (trouble === 'crash') return bytes;
  await using subject = await FuzzedHeadgate.start();
  if (kind === 'http') return shrunk(bytes, less => isTrouble(subject, finding, less));
  const { body } = partsOf(bytes);
  const least = await shrunk(body, less => isTrouble(subject, finding, withBody(bytes, less)));
  return withBody(bytes, least);
}

async function throws(fuzzed: FuzzCase): Promise<boolean> {
  try {
    check(fuzzed);
    return false;
  } catch {
    return true;
  }
}

async function isTrouble(
  subject: FuzzedHeadgate,
  { trouble, case: fuzzed }: Finding,
  bytes: Buffer,
): Promise<boolean> {
  const less = { ...fuzzed, bytes };
  if (fuzzed.kind === 'http') {
    const port = fuzzed.plane === 'admin' ? subject.adminPort : subject.port;
    const { answers } = await exchangeRaw(port, bytes);
    return answers.some(answer => troubleOf(less, answer) === trouble);
  }
  const connection = new InferConnection(subject.port);
  const outcome = await connection.ask(bytes);
  connection.close();
  if (typeof outcome === 'object') return troubleOf(less, outcome) === trouble;
  return trouble === 'no answer' && outcome === 'closed';
}
