/**
 * With CI=true a skipped test is a failure, unless its reason begins with "hardware:".
 * A reporter sees every result, so no test file has to remember the rule.
 */
import type { TestEvent } from 'node:test/reporters';

export default async function* noSkips(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:pass' || event.data.skip === undefined) continue;
    const reason = typeof event.data.skip === 'string' ? event.data.skip : 'no reason given';
    if (process.env['CI'] !== 'true' || reason.startsWith('hardware:')) continue;
    process.exitCode = 1;
    yield `not run in CI: ${event.data.name} (${reason})\n`;
  }
}
