/** Headgate whose worker processes run their sessions on the I/O thread: `headgate`'s flags. */
process.env['NODE_OPTIONS'] = `--import=${new URL('./replace-run-thread.ts', import.meta.url).href}`;
await import('../../src/main.ts');
