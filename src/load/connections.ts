import { type Address, Connection, type ConnectionOwner } from './connection.ts';

/** Servers commonly close idle connections after 5 s: sending on one just then loses the request. */
const MAX_IDLE_MS = 4000;

/** The connections of one run: grown as they are needed, up to a maximum, and retired when nobody needs them. */
export class Connections {
  readonly #address: Address;
  readonly #owner: ConnectionOwner;
  readonly #maximum: number;
  readonly #maxReplyBytes: number;
  readonly #all = new Set<Connection>();
  /** The last to become idle is the first to be used, so that no more are kept warm than are needed. */
  readonly #idle: Connection[] = [];
  #connecting = 0;
  /** The most there were at once. */
  most = 0;

  constructor(address: Address, owner: ConnectionOwner, maximum: number, maxReplyBytes: number) {
    this.#address = address;
    this.#owner = owner;
    this.#maximum = maximum;
    this.#maxReplyBytes = maxReplyBytes;
  }

  get isFull(): boolean {
    return this.#all.size >= this.#maximum;
  }

  /** An idle one, which is then the caller's to send on and to `giveBack`. */
  take(): Connection | undefined {
    return this.#idle.pop();
  }

  giveBack(connection: Connection, nowMs: number): void {
    if (!connection.isOpen) {
      this.#all.delete(connection);
      return;
    }
    connection.sinceMs = nowMs;
    this.#idle.push(connection);
  }

  /** Makes new ones until `wanted` are on their way or the maximum is reached. */
  grow(wanted: number): void {
    while (this.#connecting < wanted && !this.isFull) {
      this.#connecting++;
      this.#all.add(new Connection(this.#address, this.#owner, this.#maxReplyBytes));
      this.most = Math.max(this.most, this.#all.size);
    }
  }

  /** Must be told of each that has connected, or could not. */
  arrived(): void {
    this.#connecting--;
  }

  /** Forgets one that is over. */
  remove(connection: Connection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  retireIdle(nowMs: number): void {
    while (this.#idle.length > 0 && nowMs - (this.#idle[0] as Connection).sinceMs > MAX_IDLE_MS) {
      const connection = this.#idle.shift() as Connection;
      this.#all.delete(connection);
      connection.destroy();
    }
  }

  /** Ends those that carry a request which `isOver`; tells `each`. */
  dropBusy(isOver: (connection: Connection) => boolean, each: () => void): void {
    for (const connection of this.#all) {
      if (connection.index < 0 || !isOver(connection)) continue;
      this.#all.delete(connection);
      connection.destroy();
      each();
    }
  }

  close(): void {
    for (const connection of this.#all) connection.destroy();
    this.#all.clear();
    this.#idle.length = 0;
  }
}
