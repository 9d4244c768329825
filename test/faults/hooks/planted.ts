export type Hook = 'swap-rows' | 'early-reuse' | 'leak' | 'handles';

/** The environment with which a gateway imports these files before anything else. Its workers do so too. */
export function planted(...hooks: readonly Hook[]): Record<string, string> {
  const imports = hooks.map(hook => `--import=${new URL(`${hook}.ts`, import.meta.url).href}`);
  return { NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', ...imports].join(' ').trim() };
}
