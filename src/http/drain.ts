/** How the data plane leaves: no accepted request is lost. */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Connections } from './connections.ts';

/** The longest a client is given to use an idle connection once more, and be told in the answer that it closes. */
const MAX_QUIET_MS = 1000;

/** For those who have connected already; with new ones coming all the time it would not end by itself. */
const MAX_LETTING_IN_MS = 200;

/**
 * Reports not ready, lets in who has connected, stops accepting, and resolves when the last connection has closed.
 * Open requests finish; a request on a kept-alive connection is still served, and its answer closes the connection;
 * connections that stay idle for a quiet second (or half the grace, if shorter) are closed; whatever is left after
 * `graceMs` is destroyed.
 */
export async function drain(server: Server, connections: Connections, graceMs: number): Promise<void> {
  connections.beginLeaving();
  const grace = setTimeout(() => server.closeAllConnections(), graceMs);
  await letInWhoHasConnected(server, Math.min(MAX_LETTING_IN_MS, graceMs / 2));
  // The base class's close: http.Server's own would cut idle connections at once, with requests on their way to them.
  const closed = new Promise(resolve => NetServer.prototype.close.call(server, resolve));
  // Not before: whose connection ends connects again, and as long as that goes on somebody is not yet let in.
  connections.beginDrain();
  const quiet = setInterval(() => closeIdle(server, connections), Math.min(MAX_QUIET_MS, graceMs / 2));
  await closed;
  clearInterval(quiet);
  clearTimeout(grace);
}

/** Closing resets connections that are made and not yet accepted, and the event loop accepts a few of them a turn. */
async function letInWhoHasConnected(server: Server, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  let cameIn = true;
  const note = (): void => {
    cameIn = true;
  };
  server.on('connection', note);
  while (cameIn && performance.now() < until) {
    cameIn = false;
    // The first ends this turn; between the two the sockets are polled.
    await turn();
    await turn();
  }
  server.off('connection', note);
}

/** After a poll of the sockets, so that a request that has arrived is seen before its connection is called idle. Put off while one only seems idle. */
function closeIdle(server: Server, connections: Connections): void {
  setImmediate(() => {
    if (connections.someOnlySeemIdle) return;
    connections.closeSilent();
    server.closeIdleConnections();
  });
}
