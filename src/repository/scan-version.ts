/** One version's files: checked to lie where they may, hashed, complete. */
import path from 'node:path';
import type { FileMemory } from './file-memory.ts';
import type { VersionFile } from './model-layout.ts';
import { realPathInside } from './names.ts';
import type { ExternalFile, RepositoryVersion } from './repository-snapshot.ts';

/** Returns 'moving' while a file of it is being written. `root` is the repository's real path. */
export async function scanVersion(
  root: string,
  { version, file }: VersionFile,
  memory: FileMemory,
): Promise<RepositoryVersion | 'moving'> {
  const broken = (problem: string): RepositoryVersion => ({
    ...{ version, file, sha256: '', bytes: 0, externalData: [], problem },
  });
  const real = await realPathInside(root, file);
  if (real === undefined) return broken('expected the model file inside the repository');
  const read = await memory.content(real, 'onnx');
  if (read.state === 'moving') return 'moving';
  if (read.state === 'absent') return broken('expected a model file');
  const { content, look } = read.value;
  const externalData: ExternalFile[] = [];
  let bytes = look.bytes;
  for (const location of [...content.locations].sort()) {
    const found = await scanExternal(path.dirname(real), location, memory);
    if (found === 'moving') return 'moving';
    if (typeof found === 'string') return broken(found);
    externalData.push(found.external);
    bytes += found.bytes;
  }
  return { version, file: real, sha256: content.sha256, bytes, externalData, problem: content.problem };
}

/** Returns the file, 'moving', or why it is refused. */
async function scanExternal(
  folder: string,
  location: string,
  memory: FileMemory,
): Promise<{ readonly external: ExternalFile; readonly bytes: number } | string> {
  const name = `external data '${printable(location)}'`;
  if (!isPlainLocation(location)) return `${name}: expected a relative path without '..'`;
  const file = await realPathInside(folder, path.join(folder, location));
  if (file === undefined) return `${name}: expected a file beside the model`;
  const read = await memory.content(file, 'data');
  if (read.state === 'moving') return 'moving';
  if (read.state === 'absent') return `${name}: expected a file beside the model`;
  const { content, look } = read.value;
  // A second name outside the repository could change the weights, or show another's file (CVE-2026-34446).
  if (look.hardLinks > 1) return `${name}: expected a file with one hard link, found ${look.hardLinks}`;
  return { external: { location, file, sha256: content.sha256 }, bytes: look.bytes };
}

function isPlainLocation(location: string): boolean {
  if (location === '' || /[\\:\0]/.test(location) || location.startsWith('/')) return false;
  return location.split('/').every(part => part !== '..');
}

function printable(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  return JSON.stringify(short).slice(1, -1);
}
