/** Which addresses and names are this machine's own, and which a Host header may carry. */
import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Only the forms browsers and servers write: `127.1` or `2130706433` are no addresses here. */
export function isLoopback(name: string): boolean {
  const version = isIP(name);
  if (version === 0) return name === 'localhost';
  return LOOPBACK.check(name, version === 4 ? 'ipv4' : 'ipv6');
}

export interface HostPolicy {
  /** Lower-case names without a port, besides the loopback ones. */
  readonly allowedHosts: ReadonlySet<string>;
  /** The plane listens beyond loopback, where it demands a token. */
  readonly public: boolean;
}

const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i;

/** The lower-case name or address of `name:port`, without brackets; undefined for anything else. */
export function hostName(authority: string): string | undefined {
  const [, address, name] = AUTHORITY.exec(authority) ?? [];
  return (address ?? name)?.toLowerCase();
}

/**
 * Whether this authority may be asked for here. A page of another site can make its name resolve to this machine,
 * never an address; so a plane that listens beyond loopback takes any address: scrapers and probes use them.
 */
export function isHostAllowed(authority: string, policy: HostPolicy): boolean {
  const name = hostName(authority);
  if (name === undefined) return false;
  return isLoopback(name) || policy.allowedHosts.has(name) || (policy.public && isIP(name) !== 0);
}
