/** What only a registry can answer: known vulnerabilities, and whether an install without scripts is whole. */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { TempFolder } from '../../bench/support/temp-folder.ts';

export type Outcome =
  | { readonly kind: 'well'; readonly detail: string }
  | { readonly kind: 'broken'; readonly detail: string }
  /** For want of the registry. */
  | { readonly kind: 'not available'; readonly detail: string }
  /** For want of something that this machine could have. */
  | { readonly kind: 'not made'; readonly detail: string };

const INSTALL_MS = 300_000;

/** `npm audit` of what is shipped; not every registry offers it. */
export function audit(): Outcome {
  const { stdout } = npm(['audit', '--omit=dev', '--json'], process.cwd());
  return readAudit(stdout);
}

export function readAudit(stdout: string): Outcome {
  const answer = parsed(stdout);
  const found = (answer?.['metadata'] as { vulnerabilities?: Record<string, number> } | undefined)
    ?.vulnerabilities;
  if (found === undefined) {
    return {
      kind: 'not available',
      detail: String(answer?.['message'] ?? 'the registry did not answer').slice(0, 120),
    };
  }
  const total = found['total'] ?? 0;
  const names = Object.keys((answer?.['vulnerabilities'] as object | undefined) ?? {}).join(', ');
  return { kind: total === 0 ? 'well' : 'broken', detail: `${total} known vulnerabilities ${names}`.trim() };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

const USES = `import ort from 'onnxruntime-node'; import 'fastify'; import 'undici'; import 'opossum'; import 'pino';
import '@redis/client'; import 'lru-cache'; import 'prom-client'; import 'typebox'; import 'yaml';
if (ort.listSupportedBackends().length === 0) throw new Error('no backend');`;

/** A clean install of what is shipped, without scripts, that can be used. */
export async function installWithoutScripts(): Promise<Outcome> {
  await using folder = await TempFolder.create();
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(file, path.join(folder.path, file));
  const installed = npm(['ci', '--ignore-scripts', '--omit=dev', '--no-audit'], folder.path);
  if (installed.status !== 0) {
    const isOffline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(installed.stderr);
    return { kind: isOffline ? 'not available' : 'broken', detail: installed.stderr.slice(-300) };
  }
  const used = spawnSync(process.execPath, ['--input-type=module', '-e', USES], {
    cwd: folder.path,
    encoding: 'utf8',
  });
  if (used.status !== 0) return { kind: 'broken', detail: used.stderr.slice(-300) };
  return { kind: 'well', detail: 'every package that src/ imports loads, ONNX Runtime with a backend' };
}

function npm(args: readonly string[], cwd: string) {
  return spawnSync('npm', args, { cwd, encoding: 'utf8', timeout: INSTALL_MS, maxBuffer: 64 * 1024 * 1024 });
}
