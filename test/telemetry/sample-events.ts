/** Events as the gateway emits them, with what a test does not care about filled in. */
import type { BatchDone, RequestDone } from '../../src/events.ts';

export function requestDone(over: Partial<RequestDone> = {}): RequestDone {
  return {
    cache: undefined,
    rowsRun: over.rows ?? 1,
    model: 'digits',
    version: '1',
    route: 'stable',
    outcome: 'ok',
    rows: 1,
    totalMs: 10,
    queueMs: 2,
    inferMs: 5,
    decodeMs: 1,
    encodeMs: 0.5,
    ...over,
  };
}

export function batchDone(over: Partial<BatchDone> = {}): BatchDone {
  return {
    model: 'digits',
    version: '1',
    rows: 1,
    paddedRows: 0,
    elements: 12,
    paddingElements: 0,
    requests: 1,
    inferMs: 5,
    roundTripMs: 6,
    outcome: 'ok',
    again: undefined,
    ...over,
  };
}
