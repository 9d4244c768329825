/** The process of the guests: opens as many as it is told, puts others in the place of those that end, and counts them. */
import type { Address } from '../../src/load/connection.ts';
import { GUEST_KINDS, Guest, type GuestKind, type Requests } from './slow-guest.ts';

/** How many of each kind. */
export type Guests = Readonly<Record<GuestKind, number>>;

export type Order =
  | {
      readonly order: 'open';
      readonly address: Address;
      readonly small: string;
      readonly large: string;
      readonly guests: Partial<Guests>;
      /** Whether others take the place of those that are ended. */
      readonly returns: boolean;
    }
  | { readonly order: 'count' }
  | { readonly order: 'close' };

export interface Count {
  readonly guests: Guests;
  /** Since the first was opened. */
  readonly ended: Guests;
}

const AT_ONCE = 100;
const TRICKLE_MS = 10_000;
const AGAIN_MS = 100;

const SLOTS = 1000;

const present = new Set<Guest>();
/** By the moment of ten seconds at which each sends or reads a little, if it does: they know nothing of each other. */
const slots = Array.from({ length: SLOTS }, () => new Set<Guest>());
const ended = zeros();
let place = 0;
let opened = 0;

process.on('message', (order: Order) => void obey(order).then(() => process.send?.(count())));
process.once('disconnect', () => process.exit());

// By the clock, not by the timer's calls: where many were due at once, all are.
const startedAt = performance.now();
let slot = 0;
setInterval(() => {
  const due = ((performance.now() - startedAt) * SLOTS) / TRICKLE_MS;
  for (; slot < due; slot++) for (const guest of slots[slot % SLOTS] ?? []) guest.trickle();
}, TRICKLE_MS / SLOTS);

async function obey(order: Order): Promise<void> {
  if (order.order === 'open') await open(order);
  else if (order.order === 'close') close();
}

function close(): void {
  opened++;
  for (const guest of present) guest.leave();
  present.clear();
  for (const some of slots) some.clear();
}

type Opening = Extract<Order, { order: 'open' }>;

async function open(order: Opening): Promise<void> {
  const wanted = GUEST_KINDS.flatMap(kind => Array<GuestKind>(order.guests[kind] ?? 0).fill(kind));
  const requests = {
    small: Buffer.from(order.small, 'base64'),
    large: Buffer.from(order.large, 'base64'),
  };
  const next = async (): Promise<void> => {
    for (let kind = wanted.pop(); kind !== undefined; kind = wanted.pop()) await enter(kind, order, requests);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

/** Resolves once it has a place; one that is ended before is tried again. */
function enter(kind: GuestKind, order: Opening, requests: Requests): Promise<void> {
  const era = opened;
  const { promise, resolve } = Promise.withResolvers<void>();
  const enterOnce = (): void => {
    if (era !== opened) {
      resolve();
      return;
    }
    const own = slots[place++ % SLOTS];
    const guest = new Guest(kind, order.address, requests, {
      settled: resolve,
      ended: () => {
        present.delete(guest);
        own?.delete(guest);
        ended[kind]++;
        if (order.returns) setTimeout(enterOnce, AGAIN_MS);
        else resolve();
      },
    });
    present.add(guest);
    own?.add(guest);
  };
  enterOnce();
  return promise;
}

function zeros(): Record<GuestKind, number> {
  return { idle: 0, silent: 0, head: 0, body: 0, reader: 0 };
}

function count(): Count {
  const guests = zeros();
  for (const { kind } of present) guests[kind]++;
  return { guests, ended };
}
