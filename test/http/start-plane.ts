/** A listening data plane over the fake service, closed with the test. */
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createEvents, type RequestDone } from '../../src/events.ts';
import { createDataPlane, type DataPlane } from '../../src/http/data-plane.ts';
import type { DataPlaneOptions } from '../../src/http/options.ts';
import { FakeService } from './fake-service.ts';

export const OPTIONS: DataPlaneOptions = {
  limits: {
    maxBodyBytes: 1024 * 1024,
    maxBodiesBytes: 8 * 1024 * 1024,
    maxInflatedBytes: 2 * 1024 * 1024,
    maxHeaderBytes: 16 * 1024,
    maxConnections: 10_000,
    maxRequestsPerClient: 10_000,
    decode: { maxInputs: 16, maxRank: 8, maxElements: 1e6, maxDepth: 100 },
  },
  timeouts: { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 60_000 },
  nonFinite: 'error',
  repositoryControl: 'none',
  overloadStatus: 429,
  serverVersion: '0.0.0-test',
};

export interface Started {
  readonly plane: DataPlane;
  readonly service: FakeService;
  readonly port: number;
  readonly url: string;
  /** Every request:done so far. */
  readonly done: RequestDone[];
  /** The next request:done to come. */
  nextDone(): Promise<RequestDone>;
}

export async function startPlane(t: TestContext, options: Partial<DataPlaneOptions> = {}): Promise<Started> {
  const service = new FakeService();
  const events = createEvents();
  const done: RequestDone[] = [];
  events.on('request:done', record => done.push(record));
  const plane = createDataPlane(service, { ...OPTIONS, ...options }, events);
  const { port } = await plane.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => plane.close({ graceMs: 50 }));
  const nextDone = async (): Promise<RequestDone> => (await once(events, 'request:done'))[0];
  return { plane, service, port, url: `http://127.0.0.1:${port}`, done, nextDone };
}

/** Until a plane that is closing takes no new connections: from then on answers end theirs. */
export async function untilClosed({ app }: DataPlane): Promise<void> {
  while (app.server.listening) await turn();
}
