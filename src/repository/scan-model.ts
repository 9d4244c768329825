import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { ModelConfig } from '../config/model-options.ts';
import type { FileMemory } from './file-memory.ts';
import type { LastLook } from './last-look.ts';
import { findVersions, looksLikeModel, type ModelLayout } from './model-layout.ts';
import { isModelName, realPathInside } from './names.ts';
import type { RepositoryModel, RepositoryVersion } from './repository-snapshot.ts';
import { type ConfigPart, defaultPart, scanConfig } from './scan-config.ts';
import { scanVersion } from './scan-version.ts';

export interface ScannedModel {
  /** Folders whose changes matter to it. */
  readonly folders: readonly string[];
  /** Undefined for what is no model, or one that is only being copied. */
  readonly model: RepositoryModel | undefined;
}

const NOTHING: ScannedModel = { folders: [], model: undefined };
const BAD_NAME =
  "expected a name of up to 128 letters, digits, '.', '_' and '-' that does not begin with '.'";
const OUTSIDE = 'expected a folder inside the repository, found a link that leaves it';

/** One look's view of each entry of the models folder. */
export class ModelScan {
  readonly #root: string;
  readonly #label: string;
  readonly #entries: ReadonlySet<string>;
  readonly #memory: FileMemory;
  readonly #found: LastLook;

  /** `root` is the repository's real path, `givenRoot` the one it is known by. */
  constructor(
    root: string,
    givenRoot: string,
    entries: readonly string[],
    memory: FileMemory,
    found: LastLook,
  ) {
    this.#root = root;
    this.#label = path.basename(path.resolve(givenRoot));
    this.#entries = new Set(entries);
    this.#memory = memory;
    this.#found = found;
  }

  async entry(entry: string): Promise<ScannedModel> {
    const full = path.join(this.#root, entry);
    const stats = await stat(full).catch(() => undefined);
    if (stats?.isDirectory() === true) return this.#folder(full, entry);
    if (stats?.isFile() === true && entry.endsWith('.onnx')) return this.#file(full, entry.slice(0, -5));
    return NOTHING;
  }

  async #folder(full: string, name: string): Promise<ScannedModel> {
    if (!(await looksLikeModel(full))) return { folders: [full], model: undefined };
    if (!isModelName(name)) return { folders: [], model: brokenModel(name, BAD_NAME) };
    const folder = await realPathInside(this.#root, full);
    if (folder === undefined) return { folders: [], model: brokenModel(name, OUTSIDE) };
    try {
      const scanned = await this.#versioned(folder, name);
      return { folders: scanned.folders, model: this.#found.models.keep(name, scanned.model) };
    } catch (error) {
      const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      return { folders: [full], model: this.#found.models.keep(name, gone ? undefined : 'moving') };
    }
  }

  async #versioned(folder: string, name: string): Promise<ScannedModel> {
    const part = this.#found.configs.keep(
      name,
      await scanConfig(folder, `${this.#label}/${name}`, name, this.#memory),
    );
    const layout = await findVersions(folder, part?.modelFile);
    if (part === undefined) return { folders: layout.folders, model: undefined };
    const model = await this.#model(name, part, layout);
    const shadowed = model !== undefined && this.#entries.has(`${name}.onnx`);
    if (!shadowed) return { folders: layout.folders, model };
    const unsupported = [...model.unsupported, `${name}.onnx (the folder ${name} holds this model)`];
    return { folders: layout.folders, model: { ...model, unsupported } };
  }

  async #file(file: string, name: string): Promise<ScannedModel> {
    if (!isModelName(name)) return { folders: [], model: brokenModel(name, BAD_NAME) };
    if (this.#entries.has(name)) return NOTHING;
    const layout: ModelLayout = { versions: [{ version: '1', file }], folders: [], problem: '' };
    return { folders: [], model: await this.#model(name, defaultPart(), layout) };
  }

  async #model(name: string, part: ConfigPart, layout: ModelLayout): Promise<RepositoryModel | undefined> {
    const versions: RepositoryVersion[] = [];
    for (const file of layout.versions) {
      const scanned = await scanVersion(this.#root, file, this.#memory);
      const version = this.#found.versions.keep(`${name}/${file.version}`, scanned);
      if (version !== undefined) versions.push(version);
    }
    const { config, origins, unsupported, declared, classLabels } = part;
    const remoteOnly = config.remote.length > 0 && layout.versions.length === 0;
    if (remoteOnly) versions.push(remoteVersion(config.remote));
    const problem = part.problem || (remoteOnly ? '' : layout.problem);
    if (problem === '' && versions.length === 0) return undefined;
    const model = { name, config, origins, unsupported, declared, classLabels, versions };
    return problem === '' ? model : { ...model, problem };
  }
}

/** The one version of a model that others have the files of. */
function remoteVersion(remotes: ModelConfig['remote']): RepositoryVersion {
  const content = remotes.map(({ url, model, version, contentId }) => contentId ?? [url, model, version]);
  const sha256 = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return { version: '1', file: '', sha256, bytes: 0, externalData: [], problem: '' };
}

function brokenModel(name: string, problem: string): RepositoryModel {
  const { config, origins, unsupported, declared, classLabels } = defaultPart();
  return { name, config, origins, unsupported, declared, classLabels, problem, versions: [] };
}
