/**
 * `npm run supply-chain`: what is shipped, and what it does that nobody asked for. Ends with 1 when a check is broken;
 * one that cannot be made here says so and breaks nothing.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { audit, installWithoutScripts } from './install.ts';
import { type LockFile, lockProblems } from './lock-file.ts';
import type { QuietReport } from './quiet-run.ts';
import { quietVerdicts, type Verdict, verdictOf } from './verdicts.ts';

const IDLE_MS = 20_000;

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
process.exitCode = verdicts.some(({ outcome }) => outcome.kind === 'broken') ? 1 : 0;

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
