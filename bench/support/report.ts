/** What a bench leaves behind: a table on the terminal and a JSON file that says where it was measured. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

const RESULTS = new URL('../results/', import.meta.url);
const require = createRequire(import.meta.url);

export function machine(): Record<string, unknown> {
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  return {
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    cgroupCpu: readOr('/sys/fs/cgroup/cpu.max'),
    governor: readOr('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'),
    loadAverage: readOr('/proc/loadavg'),
    node: process.version,
    onnxruntime: version('onnxruntime-node'),
    git: git('rev-parse', 'HEAD'),
    gitDirty: git('status', '--porcelain', '--', 'src', 'bench') !== '',
    at: new Date().toISOString(),
  };
}

/** What git says, or why it says nothing: a copy of the sources has none. */
function git(...command: readonly string[]): string {
  try {
    return execFileSync('git', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** As it is before anything is measured: a commit made meanwhile is not what was measured. */
const MACHINE = machine();

/** Writes `bench/results/<name>-<time>.json` and returns its path. */
export function writeResult(name: string, result: unknown): string {
  mkdirSync(RESULTS, { recursive: true });
  const file = new URL(`${name}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`, RESULTS);
  writeFileSync(file, `${JSON.stringify({ name, machine: MACHINE, result }, null, 2)}\n`);
  return file.pathname;
}

export function printTable(rows: readonly (readonly (string | number)[])[]): void {
  const text = rows.map(row => row.map(String));
  const widths = (text[0] ?? []).map((_, column) => Math.max(...text.map(row => row[column]?.length ?? 0)));
  for (const row of text) {
    console.log(
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    );
  }
}

/** One line that the next replaces; on a pipe, a line of its own. */
export function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${text}` : `${text}\n`);
}

/** Prints what failed and sets the exit code; prints `kept` when nothing did. */
export function verdict(broken: readonly string[]): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
  for (const line of broken) console.log(`BROKEN: ${line}`);
  if (broken.length === 0) console.log('kept');
  process.exitCode = broken.length === 0 ? 0 : 1;
}
