import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface ModelFiles {
  /** Version number → the bytes of its `model.onnx`. */
  readonly versions: Readonly<Record<number, Uint8Array>>;
  /** The text of the model's `config.yaml`; absent: none is written. */
  readonly config?: string;
}

/** Writes a models folder: `<dir>/<model>/<version>/model.onnx` and `<dir>/<model>/config.yaml`. */
export async function writeRepository(
  dir: string,
  models: Readonly<Record<string, ModelFiles>>,
): Promise<void> {
  for (const [model, { versions, config }] of Object.entries(models)) {
    await mkdir(path.join(dir, model), { recursive: true });
    if (config !== undefined) await writeFile(path.join(dir, model, 'config.yaml'), config);
    for (const [version, bytes] of Object.entries(versions)) {
      await writeVersion(dir, model, version, bytes);
    }
  }
}

/** Puts one version's file in place whole, by a rename, as a careful operator would. */
export async function writeVersion(
  dir: string,
  model: string,
  version: number | string,
  bytes: Uint8Array,
): Promise<void> {
  const folder = path.join(dir, model, String(version));
  await mkdir(folder, { recursive: true });
  const partial = path.join(folder, '.model.onnx.partial');
  await writeFile(partial, bytes);
  await rename(partial, path.join(folder, 'model.onnx'));
}
