/** Where a model's versions lie: `<name>/<version>/model.onnx`, `<name>/<any>.onnx` or `<name>.onnx`. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isVersion } from './names.ts';

export interface VersionFile {
  readonly version: string;
  /** The .onnx file; it may not be there yet. */
  readonly file: string;
}

export interface ModelLayout {
  /** Ascending. */
  readonly versions: readonly VersionFile[];
  /** Folders whose change may change the layout. */
  readonly folders: readonly string[];
  /** Why there is nothing to serve; ''. */
  readonly problem: string;
}

const MAX_VERSIONS = 1000;

/** `modelFile` is the file's name in each version's folder, where the configuration names one. */
export async function findVersions(folder: string, modelFile: string | undefined): Promise<ModelLayout> {
  const names = await readdir(folder);
  const numbers = names.filter(isVersion).sort((a, b) => Number(a) - Number(b));
  const versions: VersionFile[] = [];
  const folders = [folder];
  for (const version of numbers.slice(-MAX_VERSIONS)) {
    const below = path.join(folder, version);
    if (!(await isFolder(below))) continue;
    folders.push(below);
    const file = await modelFileIn(below, modelFile);
    if (file !== undefined) versions.push({ version, file });
  }
  if (folders.length > 1) {
    const problem = versions.length === 0 ? 'expected model.onnx in the folder of a version, found none' : '';
    return { versions, folders, problem };
  }
  return { ...looseFile(folder, names), folders };
}

function looseFile(folder: string, names: readonly string[]): Pick<ModelLayout, 'versions' | 'problem'> {
  const [file, another] = onnxFiles(names);
  if (file === undefined) return { versions: [], problem: 'expected <version>/model.onnx, found no version' };
  if (another !== undefined)
    return { versions: [], problem: 'expected one .onnx file or folders of versions, found several files' };
  return { versions: [{ version: '1', file: path.join(folder, file) }], problem: '' };
}

async function modelFileIn(folder: string, modelFile: string | undefined): Promise<string | undefined> {
  const names = await readdir(folder);
  const name = modelFile ?? 'model.onnx';
  if (names.includes(name)) {
    const file = path.join(folder, name);
    // Triton's layout for external data: a folder named model.onnx that holds model.onnx.
    return (await isFolder(file)) ? path.join(file, name) : file;
  }
  const [only, another] = onnxFiles(names);
  return modelFile === undefined && another === undefined && only !== undefined
    ? path.join(folder, only)
    : undefined;
}

/** Does a folder look like a model's at all? Others, such as data beside the models, are passed over. */
export async function looksLikeModel(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return (
    names.some(name => isVersion(name) || name === 'config.yaml' || name === 'config.pbtxt') ||
    onnxFiles(names).length > 0
  );
}

function onnxFiles(names: readonly string[]): string[] {
  return names.filter(name => name.endsWith('.onnx') && !name.startsWith('.')).sort();
}

async function isFolder(candidate: string): Promise<boolean> {
  const stats = await stat(candidate).catch(() => undefined);
  return stats?.isDirectory() === true;
}
