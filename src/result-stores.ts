/** Where results are kept, of all versions: in this process and, where configured, shared with other gateways. */
import { RedisLevel } from './cache/redis-level.ts';
import { ResultStore } from './cache/result-store.ts';
import type { GatewayConfig } from './config/gateway-options.ts';
import type { Events } from './events.ts';

export interface ResultStores {
  readonly store: ResultStore;
  /** Undefined: none. */
  readonly shared: RedisLevel | undefined;
}

export function resultStores({ redis, ...bounds }: GatewayConfig['cache'], events: Events): ResultStores {
  const store = new ResultStore(bounds);
  const { url, username, password } = redis;
  if (url === undefined) return { store, shared: undefined };
  const observer = {
    changed: (state: string, detail: string) => void events.emit('shared-cache:changed', { state, detail }),
    refused: () => void events.emit('shared-cache:refused'),
  };
  const shared = new RedisLevel({ ...redis, url, username, password }, observer, (model, version) =>
    store.purge(model, version),
  );
  return { store, shared };
}
