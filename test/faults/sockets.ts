/** What the kernel says of a process's TCP sockets and open files. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

const LISTENING = '0A';

/**
 * Of a /proc/net/tcp: how many sockets at `port` somebody still holds, by the other end's address. Those that were
 * closed, and of which only the kernel still knows, are not counted.
 */
export function heldSockets(table: string, port: number): Map<string, number> {
  const held = new Map<string, number>();
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', state, , , , , , inode] = line.trim().split(/\s+/);
    if (Number.parseInt(local.split(':')[1] ?? '', 16) !== port || state === LISTENING || inode === '0')
      continue;
    const address = dotted(remote.split(':')[0] ?? '');
    held.set(address, (held.get(address) ?? 0) + 1);
  }
  return held;
}

/** IPv4 as the kernel prints it: hexadecimal, in this machine's order, which is little-endian. */
function dotted(hex: string): string {
  return [6, 4, 2, 0].map(at => Number.parseInt(hex.slice(at, at + 2), 16)).join('.');
}

export function socketsAt(port: number): Map<string, number> {
  return heldSockets(readFileSync('/proc/net/tcp', 'latin1'), port);
}

/** Descriptors the process has open; undefined when it is gone. */
export function openFiles(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

/** How many descriptors this process, and those it starts, may have. */
export function mostOpenFiles(): number {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
