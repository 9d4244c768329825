import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

interface Room {
  /** Folders and files of src/ that its files may import besides themselves; undefined: all but `worker`. */
  readonly mayImport: readonly string[] | undefined;
  readonly alone: readonly string[];
}

/** The table of docs/architecture.md, by folder or file of src/. */
const ROOMS = readTable(readFileSync('docs/architecture.md', 'utf8'));

function readTable(document: string): Map<string, Room> {
  const rows = [...document.matchAll(/^\|(.+?)\|.*?\|(.+?)\|(.*?)\|$/gm)].slice(2);
  const nouns = codeNames(rows[0]?.[1] ?? '');
  return new Map(
    rows.flatMap(([, rooms = '', imports = '', alone = '']) => {
      const named = [...(imports.includes('nouns') ? nouns : []), ...codeNames(imports)];
      const mayImport = imports.includes('all but `worker/`') ? undefined : named;
      const packages = alone.split(',').map(name => name.trim());
      return codeNames(rooms).map(room => [room, { mayImport, alone: packages }] as const);
    }),
  );
}

/** `pool/` in backquotes is the room pool. */
function codeNames(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+?)\/?`/g)].map(([, name]) => name as string);
}

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

test('every folder and file of src/ stands in the table of docs/architecture.md, and nothing else does', () => {
  assert.deepEqual([...ROOMS.keys()].sort(), [...new Set(files.map(roomOf))].sort());
});

test('rooms import only what docs/architecture.md allows', () => {
  const broken = imports.filter(({ file, specifier }) => {
    if (!specifier.startsWith('.')) return false;
    const room = roomOf(file);
    const target = roomOf(path.posix.join(path.posix.dirname(file), specifier));
    const allowed = ROOMS.get(room)?.mayImport;
    return allowed === undefined ? target === 'worker' : target !== room && !allowed.includes(target);
  });
  assert.deepEqual(broken, []);
});

test('a package with a home is imported there alone', () => {
  const broken = imports.filter(({ file, specifier }) => {
    const name = (/^(?:@[^/]+\/)?[^/]+/.exec(specifier) as RegExpExecArray)[0];
    const homes = [...ROOMS].filter(([, { alone }]) => alone.includes(name)).map(([room]) => room);
    return homes.length > 0 && !homes.includes(roomOf(file));
  });
  assert.deepEqual(broken, []);
});

test('no file is named so that it could hold anything', () => {
  const shapeless = files.filter(file => /\/(utils?|helpers?|common|types|misc|index)\.ts$/.test(file));
  assert.deepEqual(shapeless, []);
});
