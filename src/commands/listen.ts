/** Listening, with an error that says what to do. */
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../config/config-error.ts';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process',
  EACCES: 'may not be used by this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
};

/** `room` is the option that says where: http or admin. */
export async function listenOrExplain<T>(
  room: 'http' | 'admin',
  at: { readonly host: string; readonly port: number },
  listen: () => Promise<T>,
): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw error;
    const message = `${at.host}:${at.port} ${reason}; choose another with --set ${room}.port=<port>`;
    throw new ConfigError([{ origin: '', key: `${room}.port`, message }]);
  }
}

/** A URL that reaches the address from this machine. */
export function urlOf({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
