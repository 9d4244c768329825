/** Which model is tuned, where its settings would be written, and whether they can be. */
import { constants } from 'node:fs';
import { access, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../config/config-error.ts';
import { nearestWord } from '../config/did-you-mean.ts';
import { editYaml } from '../config/edit-yaml.ts';
import { parseModelConfig } from '../config/model-config.ts';
import { type CatalogSpec, specOf } from '../repository/catalog-entry.ts';
import type { RepositoryModel, RepositoryVersion } from '../repository/repository-snapshot.ts';
import { scanRepository } from '../repository/scan.ts';
import { UsageError } from './command.ts';

/** The version asked for; else the one that answers by default. Throws a UsageError or an Error that says what is wrong. */
export async function tuneTarget(
  repository: string,
  name: string,
  wanted: string | undefined,
): Promise<CatalogSpec> {
  const { models } = await scanRepository(repository);
  const model = models.get(name);
  if (model === undefined) {
    const near = nearestWord(name, [...models.keys()]);
    const hint =
      near === undefined ? `it holds ${[...models.keys()].join(', ') || 'none'}` : `did you mean ${near}?`;
    throw new UsageError(`no model '${name}' in ${repository}; ${hint}`);
  }
  if (model.problem !== undefined) throw new TuneError(model.problem);
  const version = versionOf(model, wanted);
  if (version.problem !== '') throw new TuneError(`version ${version.version}: ${version.problem}`);
  if (model.config.instances.some(({ kind }) => kind !== 'cpu')) {
    throw new TuneError('its instances are on a GPU; tune sweeps those on the CPU');
  }
  return specOf(model, version);
}

/** Said to the operator as it is; exit code 1. */
export class TuneError extends Error {
  override readonly name = 'TuneError';
}

function versionOf(model: RepositoryModel, wanted: string | undefined): RepositoryVersion {
  const { versions, config, name } = model;
  const number = wanted ?? config.stable?.toString();
  const version = number === undefined ? versions.at(-1) : versions.find(one => one.version === number);
  if (version !== undefined) return version;
  const known = versions.map(one => one.version).join(', ') || 'none';
  throw new UsageError(`no version ${number ?? ''} of ${name}; there are ${known}`);
}

/** The config.yaml that the model reads, or would read. Throws a TuneError when writing it would not do what is meant. */
export async function writableConfig(repository: string, model: string): Promise<string> {
  const folder = path.join(repository, model);
  const isFolder = await stat(folder).then(
    found => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    throw new TuneError(
      `${model}.onnx lies beside no configuration: move it to ${path.join(folder, '1', 'model.onnx')}`,
    );
  }
  const file = path.join(folder, 'config.yaml');
  const yaml = await isThere(file);
  if (!yaml && (await isThere(path.join(folder, 'config.pbtxt')))) {
    throw new TuneError(
      'it is configured by config.pbtxt, which a config.yaml would replace: write it there',
    );
  }
  try {
    await access(folder, constants.W_OK);
    if (yaml) await access(file, constants.W_OK);
  } catch {
    throw new TuneError(`${file} cannot be written: the folder or the file is read-only`);
  }
  return file;
}

/** The file before and after. Throws a ConfigError when what it would say is refused. */
export async function editedConfig(
  file: string,
  changes: Readonly<Record<string, unknown>>,
): Promise<{ readonly before: string; readonly after: string }> {
  const before = (await isThere(file)) ? await readFile(file, 'utf8') : '';
  const after = editYaml(before, file, changes);
  parseModelConfig(after, file);
  return { before, after };
}

/** In one step: a gateway that follows the file never sees half of it. */
export async function replaceConfig(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } catch (error) {
    throw new ConfigError([
      { origin: file, key: '', message: `cannot be written: ${(error as Error).message}` },
    ]);
  }
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
