import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

/** The table of docs/architecture.md: a room, and what its files may import besides themselves. */
const NOUNS = ['tensor.ts', 'inference.ts', 'errors.ts', 'events.ts', 'version.ts'];
const MAY_IMPORT: Record<string, readonly string[]> = {
  ...Object.fromEntries(NOUNS.map(noun => [noun, NOUNS])),
  protocol: NOUNS,
  route: NOUNS,
  batch: NOUNS,
  pool: [...NOUNS, 'protocol'],
  worker: [...NOUNS, 'protocol'],
  config: NOUNS,
  repository: [...NOUNS, 'config'],
  http: [...NOUNS, 'protocol'],
  admin: [...NOUNS, 'http'],
  telemetry: NOUNS,
};
/** What joins the rooms may import all of them, but no model is ever loaded in the gateway's process. */
const JOINERS = ['gateway.ts', 'serving-version.ts', 'operator-tables.ts', 'main.ts', 'commands'];
/** Packages that one room keeps to itself. */
const ONLY_IN: Record<string, readonly string[]> = {
  'onnxruntime-node': ['worker'],
  fastify: ['http', 'admin'],
  'prom-client': ['telemetry'],
  pino: ['telemetry'],
  undici: ['pool'],
};

const files = globSync('src/**/*.ts').map(file => file.replaceAll(path.sep, '/'));
const imports = files.flatMap(file =>
  [
    ...readFileSync(file, 'utf8').matchAll(
      /(?:^|\s)(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/g,
    ),
  ].map(match => ({ file, specifier: (match[1] ?? match[2]) as string })),
);

const roomOf = (file: string): string => file.split('/')[1] as string;

test('the import table is checked against real imports', () => {
  assert.ok(files.length > 10 && imports.length > 10, `${files.length} files, ${imports.length} imports`);
});

test('rooms import only what docs/architecture.md allows', () => {
  const broken = imports.filter(({ file, specifier }) => {
    if (!specifier.startsWith('.')) return false;
    const room = roomOf(file);
    const target = roomOf(path.posix.join(path.posix.dirname(file), specifier));
    if (JOINERS.includes(room)) return target === 'worker';
    return target !== room && !(MAY_IMPORT[room] ?? []).includes(target);
  });
  assert.deepEqual(broken, []);
});

test('a package with a home is imported there alone', () => {
  const broken = imports.filter(({ file, specifier }) => {
    const home = ONLY_IN[specifier.split('/')[0] as string];
    return home !== undefined && !home.includes(roomOf(file));
  });
  assert.deepEqual(broken, []);
});

test('no file is named so that it could hold anything', () => {
  const shapeless = files.filter(file => /\/(utils?|helpers?|common|types|misc|index)\.ts$/.test(file));
  assert.deepEqual(shapeless, []);
});
