/** What the models folder holds at one moment, checked and hashed. */
import type { DeclaredTensors } from '../config/declared-tensors.ts';
import type { ModelConfig } from '../config/model-options.ts';

/** A file of weights beside a model, as the model names it. */
export interface ExternalFile {
  /** Relative to the model file's folder, with `/`. */
  readonly location: string;
  /** Absolute, symlinks resolved. */
  readonly file: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface RepositoryVersion {
  /** Decimal, no leading zero. */
  readonly version: string;
  /** Absolute path of the .onnx file, symlinks resolved. */
  readonly file: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Of the .onnx file and its external data together. */
  readonly bytes: number;
  readonly externalData: readonly ExternalFile[];
  /** Why its files cannot be loaded, without paths; '' when they can. */
  readonly problem: string;
}

export interface RepositoryModel {
  readonly name: string;
  /** The defaults when there is a problem. */
  readonly config: ModelConfig;
  /** The path of every setting → where it came from. */
  readonly origins: ReadonlyMap<string, string>;
  /** What the configuration says that Headgate does not do. */
  readonly unsupported: readonly string[];
  readonly declared: DeclaredTensors | undefined;
  /** Output → labels by index; files are read. */
  readonly classLabels: ReadonlyMap<string, readonly string[]>;
  /** Why nothing of this model can be served; absent when it can. */
  readonly problem?: string;
  /** Ascending. */
  readonly versions: readonly RepositoryVersion[];
}

export interface RepositorySnapshot {
  readonly models: ReadonlyMap<string, RepositoryModel>;
}
