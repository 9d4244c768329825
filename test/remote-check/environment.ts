/** A virtual environment with a foreign server in it, made once and kept. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export type ServerName = 'mlserver' | 'kserve';

export const SERVERS = fileURLToPath(new URL('servers/', import.meta.url));
const CACHE = 'data/remote-check';
const INSTALL_LIMIT_MS = 20 * 60_000;

/** The environment's Python. Throws with pip's own words where it cannot be made. */
export function pythonOf(server: ServerName): string {
  const folder = path.join(CACHE, server);
  const requirements = path.join(SERVERS, `${server}.txt`);
  const wanted = readFileSync(requirements, 'utf8');
  const done = path.join(folder, 'installed.txt');
  const python = path.resolve(folder, 'bin/python');
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return python;
  rmSync(folder, { recursive: true, force: true });
  run('python3', '-m', 'venv', folder);
  run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements);
  writeFileSync(done, wanted);
  return python;
}

function run(file: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8', timeout: INSTALL_LIMIT_MS });
  if (status === 0) return;
  throw new Error(`${file} ${args.join(' ')} failed: ${error?.message ?? stderr.trim().slice(-2000)}`);
}
