/** What every route of the data plane works with. */
import type { Events } from '../events.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { CodecThreads } from './codec-threads.ts';
import type { Codecs } from './codecs.ts';
import type { Connections } from './connections.ts';
import type { DataPlaneOptions } from './options.ts';
import type { DataPlaneService } from './service.ts';

export interface Plane {
  readonly service: DataPlaneService;
  readonly options: DataPlaneOptions;
  readonly events: Events;
  readonly connections: Connections;
  readonly codecs: Codecs;
  readonly threads: CodecThreads;
  /** Bytes of request bodies in memory. */
  readonly bodies: ByteBudget;
}
