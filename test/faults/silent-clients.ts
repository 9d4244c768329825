/** R16: clients that stop without a word are let go within twice the times that the configuration gives them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from './figures.ts';
import { startSlowSubject } from './slow-clients-subject.ts';
import { SlowCrowd } from './slow-crowd.ts';
import { addressOf, GUEST_KINDS, type GuestKind } from './slow-guest.ts';
import { socketsAt } from './sockets.ts';

export interface Silence {
  readonly kind: GuestKind;
  readonly clients: number;
  /** Of them, connected when their process was stopped. */
  readonly connected: number;
  readonly timeoutMs: number;
  /** From when it was stopped to when the gateway held none of them any more; Infinity: it still did after three times as long. */
  readonly goneMs: number;
}

const TIMEOUTS = { headersMs: 2000, requestMs: 3000, keepAliveMs: 2500 };

const TIMEOUT_OF: Record<GuestKind, number> = {
  idle: TIMEOUTS.keepAliveMs,
  silent: TIMEOUTS.headersMs,
  head: TIMEOUTS.headersMs,
  body: TIMEOUTS.requestMs,
  // Also how long one may take nothing of its answer.
  reader: TIMEOUTS.requestMs,
};

const LOOK_MS = 50;
/** A timer may be late, and so may a look. A stuck reader is let go after twice its time, to the millisecond. */
const LATE_MS = 500;

/** `each` of every kind; readers are a tenth, as each has 8 MB waiting. */
export async function silentClients(each: number): Promise<Silence[]> {
  await using subject = await startSlowSubject(TIMEOUTS);
  const { address } = subject;
  await using crowd = new SlowCrowd(address);
  const clients: Record<GuestKind, number> = {
    ...{ idle: each, silent: each, head: each, body: each },
    reader: Math.ceil(each / 10),
  };
  await crowd.open(clients, { returns: false });
  const connected = heldOf(address.port);
  crowd.freeze();
  const gone = await untilGone(address.port);
  return GUEST_KINDS.map(kind => ({
    ...{ kind, clients: clients[kind], connected: connected[kind], timeoutMs: TIMEOUT_OF[kind] },
    goneMs: gone[kind],
  }));
}

function heldOf(port: number): Record<GuestKind, number> {
  const held = socketsAt(port);
  const of = (kind: GuestKind) => held.get(addressOf(kind)) ?? 0;
  return { idle: of('idle'), silent: of('silent'), head: of('head'), body: of('body'), reader: of('reader') };
}

async function untilGone(port: number): Promise<Record<GuestKind, number>> {
  const stoppedAt = performance.now();
  const never = Number.POSITIVE_INFINITY;
  const gone = { idle: never, silent: never, head: never, body: never, reader: never };
  const last = 3 * Math.max(...Object.values(TIMEOUT_OF));
  for (let now = 0; now < last && Object.values(gone).includes(never); ) {
    await sleep(LOOK_MS);
    now = performance.now() - stoppedAt;
    const held = heldOf(port);
    for (const kind of GUEST_KINDS) if (held[kind] === 0) gone[kind] = Math.min(gone[kind], now);
  }
  return gone;
}

export function silenceRows(silences: readonly Silence[]): Row[] {
  return silences.map(({ kind, clients, connected, timeoutMs, goneMs }) => ({
    figure: `R16 silent: ${kind}, ${connected} of ${clients} connected`,
    value: Number.isFinite(goneMs) ? `gone after ${Math.round(goneMs)} ms` : 'still there',
    target: `≤ 2 × ${timeoutMs} ms + ${LATE_MS}`,
    kept: connected === clients && clients > 0 && goneMs <= 2 * timeoutMs + LATE_MS,
  }));
}
