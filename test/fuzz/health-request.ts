import { connect } from 'node:net';

const REQUEST = 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** How long the answer to a health request took, ms; `mostMs` when none came by then; undefined without a connection. */
export function exchangeHealth(port: number, mostMs: number): Promise<number | undefined> {
  const began = performance.now();
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' });
    const timer = setTimeout(() => end(mostMs), mostMs);
    const end = (ms: number | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(ms);
    };
    socket.on('connect', () => socket.write(REQUEST));
    socket.on('data', () => end(performance.now() - began));
    socket.on('error', () => end(undefined));
    socket.on('close', () => end(undefined));
  });
}
