/**
 * Preloaded by `NODE_OPTIONS=--import`: a worker process starts its run threads so that they run the test engine.
 * Everything else, the gateway too, is as it is.
 */
import { registerHooks } from 'node:module';

const THREAD = new URL('./thread.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (
      specifier === './thread-sources.ts' &&
      context.parentURL?.endsWith('/src/worker/run-thread.ts') === true
    )
      return { url: THREAD, format: 'module-typescript', shortCircuit: true };
    return next(specifier, context);
  },
});
