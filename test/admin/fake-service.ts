/** An AdminService that records what it was asked to do. */
import type { AdminService } from '../../src/admin/service.ts';
import { GatewayError } from '../../src/errors.ts';

export interface FakeService extends AdminService {
  readonly calls: string[];
  ready: boolean;
}

export function fakeService(over: Partial<AdminService> = {}): FakeService {
  const calls: string[] = [];
  return {
    calls,
    ready: true,
    isReady() {
      return this.ready;
    },
    models: () => [
      { name: 'digits', version: '1', state: 'READY', reason: '', stable: true, labels: ['blue'] },
    ],
    workers: () => [{ name: 'cpu', state: 'ready', pid: 4711 }],
    learned: () => [],
    config: () => [{ key: 'http.port', value: 8000, origin: 'default' }],
    metrics: async () => '# no metrics\n',
    statistics: () => [],
    index: readyOnly => {
      calls.push(`index ${readyOnly}`);
      return [{ name: 'digits', version: '1', state: 'READY', reason: '' }];
    },
    load: async (model, config) => {
      calls.push(`load ${model} ${config}`);
      if (model === 'absent') throw new GatewayError('not-found', 'unknown model');
    },
    unload: async model => void calls.push(`unload ${model}`),
    purge: async (model, version) => {
      calls.push(`purge ${model} ${version}`);
      return 7;
    },
    pressure: () => ({ memoryShare: 0.5, loopDelayMs: 1, steps: [{ step: 'hedging', isOff: false }] }),
    breakers: () => [],
    setBreaker: (model, version, wanted) =>
      void calls.push(`breaker ${model} ${version} ${JSON.stringify(wanted)}`),
    ...over,
  };
}
