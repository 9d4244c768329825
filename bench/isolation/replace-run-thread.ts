/** Preloaded into a worker process: its run threads are none. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './run-thread.ts'
      ? { url: new URL('./inline-run-thread.ts', import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
});
