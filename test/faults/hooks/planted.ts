const HOOKS = {
  'swap-rows': new URL('swap-rows.ts', import.meta.url),
  'weak-key': new URL('../../../bench/controls/weak-key.ts', import.meta.url),
  leak: new URL('leak.ts', import.meta.url),
  'late-wakes': new URL('late-wakes.ts', import.meta.url),
  holdings: new URL('holdings.ts', import.meta.url),
} as const;

export type Hook = keyof typeof HOOKS;

/** The environment with which a gateway imports these files before anything else. Its workers do so too. */
export function planted(...hooks: readonly Hook[]): Record<string, string> {
  const imports = hooks.map(hook => `--import=${HOOKS[hook].href}`);
  return { NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', ...imports].join(' ').trim() };
}
