/** What the data plane is told when it is made. Defaults live with the configuration, not here. */
import type { DecodeLimits } from '../protocol/limits.ts';

export interface DataPlaneLimits {
  /** The most bytes of one request's body as sent. Above: 413, before they are buffered. */
  readonly maxBodyBytes: number;
  /** The most bytes of request bodies in memory at once, over all connections. Above: overloaded. */
  readonly maxBodiesBytes: number;
  /** The most bytes a compressed body may inflate to. Above: 413, while inflating. */
  readonly maxInflatedBytes: number;
  /** The most bytes of a request line with its headers. Above: 431. */
  readonly maxHeaderBytes: number;
  /** The most connections at once; one more is closed unread. */
  readonly maxConnections: number;
  /** The most requests of one address that wait for an answer. Above: overloaded. */
  readonly maxRequestsPerClient: number;
  readonly decode: DecodeLimits;
}

export interface DataPlaneTimeouts {
  /** From a connection's or a request's first byte to the end of its headers, ms. Beyond: 408. */
  readonly headersMs: number;
  /** From a request's first byte to its last, ms; beyond: 408; also how long a client may take nothing of its answer. */
  readonly requestMs: number;
  /** How long a connection may idle between requests, ms. */
  readonly keepAliveMs: number;
}

export interface DataPlaneOptions {
  readonly limits: DataPlaneLimits;
  readonly timeouts: DataPlaneTimeouts;
  /** What a JSON answer does with NaN and infinities. */
  readonly nonFinite: 'error' | 'null' | 'string';
  /** May clients of this port load and unload models? */
  readonly repositoryControl: 'none' | 'explicit';
  /** The status of a full queue: 429, or 503 as Triton has it. */
  readonly overloadStatus: 429 | 503;
  readonly serverVersion: string;
}
