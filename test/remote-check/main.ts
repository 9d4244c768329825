/** `npm run remote-check`: remote workers against servers of other projects. Ends with 1 when something does not work. */
import { parseArgs } from 'node:util';
import { CHECKS } from './checks.ts';
import type { ServerName } from './environment.ts';
import { startSubject } from './subject.ts';

const HELP = `Usage: npm run remote-check -- [mlserver] [kserve]

Runs a real gateway whose models are all served by MLServer, then by KServe's Python server, on loopback, and prints
what works. Both, unless one is named. The first time each is installed from PyPI into data/remote-check/.
`;

const SERVERS: readonly ServerName[] = ['mlserver', 'kserve'];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', default: false } },
});
if (flags.help) process.stdout.write(HELP);
else process.exitCode = (await checkAll()) ? 0 : 1;

async function checkAll(): Promise<boolean> {
  let works = true;
  for (const name of SERVERS) {
    if (positionals.length === 0 || positionals.includes(name)) works = (await check(name)) && works;
  }
  return works;
}

async function check(name: ServerName): Promise<boolean> {
  await using subject = await startSubject(name);
  let works = true;
  for (const { name: what, run } of CHECKS) {
    const outcome = await run(subject).then(
      saw => ['works', saw],
      (error: unknown) => ['BROKEN', error instanceof Error ? error.message.slice(0, 600) : String(error)],
    );
    works &&= outcome[0] === 'works';
    console.log([name, outcome[0], what, outcome[1]].join('  '));
  }
  return works;
}
