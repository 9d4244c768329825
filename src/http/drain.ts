/** How the data plane leaves: no accepted request is lost. */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Connections } from './connections.ts';

/** The longest a client is given to use an idle connection once more, and be told in the answer that it closes. */
const MAX_QUIET_MS = 1000;

/**
 * Stops accepting, and resolves when the last connection has closed. Open requests finish; a request on a kept-alive
 * connection is still served, and its answer closes the connection; connections that stay idle for a quiet second
 * (or half the grace, if shorter) are closed; whatever is left after `graceMs` is destroyed.
 */
export async function drain(server: Server, connections: Connections, graceMs: number): Promise<void> {
  connections.beginDrain();
  // The base class's close: http.Server's own would cut idle connections at once, with requests on their way to them.
  const closed = new Promise(resolve => NetServer.prototype.close.call(server, resolve));
  const quiet = setInterval(() => closeIdle(server, connections), Math.min(MAX_QUIET_MS, graceMs / 2));
  const grace = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(quiet);
  clearTimeout(grace);
}

/** After a poll of the sockets, so that a request that has arrived is seen before its connection is called idle. Put off while one only seems idle. */
function closeIdle(server: Server, connections: Connections): void {
  setImmediate(() => {
    if (connections.someOnlySeemIdle) return;
    connections.closeSilent();
    server.closeIdleConnections();
  });
}
