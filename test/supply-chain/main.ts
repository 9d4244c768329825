/**
 * `npm run supply-chain`: what is shipped, and what it does that nobody asked for. Ends with 1 when a check is broken
 * or was not made, unless it was for want of the registry.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readFlags } from '../../bench/support/flags.ts';
import { audit, installWithoutScripts } from './install.ts';
import { type LockFile, lockProblems } from './lock-file.ts';
import type { QuietReport } from './quiet-run.ts';
import { exitCodeOf, quietVerdicts, unmade, type Verdict, verdictOf } from './verdicts.ts';

const IDLE_MS = 20_000;
const HELP = `Usage: npm run supply-chain

Checks what is shipped (lock file, known vulnerabilities, an install without scripts), and watches under strace what a
gateway does that nobody asked for. Exit code 1 when a check is broken or was not made; one that could not be made for
want of the registry is told of, and does not count.

  --help   this text
`;

readFlags({ options: {} }, HELP);

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as LockFile;
const packages = Object.keys(lock.packages).length - 1;
const verdicts: Verdict[] = [
  { name: 'known vulnerabilities of what is shipped', outcome: audit() },
  { name: 'npm ci --ignore-scripts', outcome: await installWithoutScripts() },
  verdictOf('lock file: sources, hashes, licences, scripts', lockProblems(lock), `${packages} packages`),
  ...quietVerdicts(watchedApart()),
];
for (const { name, outcome } of verdicts) {
  console.log(`${outcome.kind.padEnd(14)} ${name}: ${outcome.detail}`);
}
const missing = unmade(verdicts);
if (missing.length > 0)
  console.log(`CHECKS NOT MADE, ${missing.length} of ${verdicts.length}: ${missing.join('; ')}`);
process.exitCode = exitCodeOf(verdicts);

/** In a network of its own where that may be made: whoever calls out gets nowhere, and is seen. */
function watchedApart(): QuietReport {
  const child = [
    process.execPath,
    fileURLToPath(new URL('quiet-child.ts', import.meta.url)),
    String(IDLE_MS),
  ];
  const apart = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...child];
  const canBeApart = spawnSync('unshare', ['-rn', 'sh', '-c', 'ip link set lo up']).status === 0;
  console.log(canBeApart ? 'in a network of its own' : "in this machine's network");
  const [file = '', ...args] = canBeApart ? ['unshare', ...apart] : child;
  const { stdout, stderr, status } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the watched run failed:\n${stderr}`);
  return JSON.parse(stdout) as QuietReport;
}
