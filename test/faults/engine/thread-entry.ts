/** A run thread whose module that runs sessions is the test engine's, which wraps the real one. */
import { registerHooks } from 'node:module';
import { workerData } from 'node:worker_threads';

const SESSION = new URL('./session.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === './session.ts' && context.parentURL?.endsWith('/src/worker/run-loop.ts') === true)
      return { url: SESSION, format: 'module-typescript', shortCircuit: true };
    return next(specifier, context);
  },
});
await import((workerData as { readonly entry: string }).entry);
