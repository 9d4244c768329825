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

const present = new Map<Guest, number>();
const ended = zeros();
let place = 0;
let opened = 0;

process.on('message', (order: Order) => void obey(order).then(() => process.send?.(count())));
process.once('disconnect', () => process.exit());

// A tenth of them each second, so that each sends a byte every ten.
let second = 0;
setInterval(() => {
  second++;
  for (const [guest, at] of present) if (at % 10 === second % 10) guest.trickle();
}, TRICKLE_MS / 10);

async function obey(order: Order): Promise<void> {
  if (order.order === 'open') await open(order);
  else if (order.order === 'close') close();
}

function close(): void {
  opened++;
  for (const guest of present.keys()) guest.leave();
  present.clear();
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
    const guest = new Guest(kind, order.address, requests, {
      settled: resolve,
      ended: () => {
        present.delete(guest);
        ended[kind]++;
        if (order.returns) setTimeout(enterOnce, AGAIN_MS);
        else resolve();
      },
    });
    present.set(guest, place++);
  };
  enterOnce();
  return promise;
}

function zeros(): Record<GuestKind, number> {
  return { idle: 0, silent: 0, head: 0, body: 0, reader: 0 };
}

function count(): Count {
  const guests = zeros();
  for (const { kind } of present.keys()) guests[kind]++;
  return { guests, ended };
}
