import { link, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import type { BenchModel } from './bench-models.ts';

/** Puts the same model into a models folder on the same disk under another name, with a `config.yaml` of its own. */
export async function copyModel(
  repository: string,
  { file }: BenchModel,
  as: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const folder = path.join(repository, as);
  await mkdir(path.join(folder, '1'), { recursive: true });
  await link(file, path.join(folder, '1', 'model.onnx'));
  await writeFile(path.join(folder, 'config.yaml'), stringify({ coalesce: false, ...config }));
}
