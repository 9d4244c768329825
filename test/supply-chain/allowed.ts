/** What this package lets its dependencies be and do, each with why. */

/** Permissive: they ask for no more than the notice that npm keeps beside each package. */
export const LICENCES: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  '0BSD',
  '(MIT OR CC0-1.0)',
]);

/** Packages whose install script is never run (`.npmrc`), and why nothing is missing without it. */
export const INSTALL_SCRIPTS: ReadonlyMap<string, string> = new Map([
  [
    'onnxruntime-node',
    'fetches CUDA libraries from NuGet; the CPU and WebGPU providers are inside the package already',
  ],
  ['protobufjs', 'only compares version schemes and prints a warning; a dependency of tests alone'],
]);

export const REGISTRY = 'https://registry.npmjs.org/';
