/** What one client may have open at once. A client is an address: whoever shares one, behind a proxy, shares its bound. */
import { GatewayError } from '../errors.ts';

const RETRY_AFTER_MS = 100;

export interface Client {
  readonly address: string;
  connections: number;
  /** Without an answer yet, of all its connections. */
  requests: number;
}

/** The clients that are connected. */
export class Clients {
  readonly #byAddress = new Map<string, Client>();
  readonly #maxRequests: number;

  constructor(maxRequests: number) {
    this.#maxRequests = maxRequests;
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** One more connection of it. */
  connect(address: string): Client {
    let client = this.#byAddress.get(address);
    if (client === undefined) {
      client = { address, connections: 0, requests: 0 };
      this.#byAddress.set(address, client);
    }
    client.connections++;
    return client;
  }

  /** One of its connections has closed. */
  disconnect(client: Client): void {
    if (--client.connections === 0) this.#byAddress.delete(client.address);
  }

  /** Of the request it has just sent. */
  refusal({ requests }: Client): GatewayError | undefined {
    if (requests <= this.#maxRequests) return undefined;
    const message = `too many requests of this client wait for an answer: expected at most ${this.#maxRequests} at once`;
    return new GatewayError('overloaded', message, { retryAfterMs: RETRY_AFTER_MS });
  }
}
