/** The network sockets of a process and all below it, as /proc shows them. Linux only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { processTree } from '../../bench/support/process-tree.ts';

export interface TreeSockets {
  /** Ports that are listened on. */
  readonly listening: readonly number[];
  /** Ports at the other end of connections that are being made or stand, to others than the tree's own listeners' clients. */
  readonly remote: readonly { readonly local: number; readonly remote: number }[];
}

const LISTEN = '0A';
const TABLES = ['tcp', 'tcp6', 'udp', 'udp6'];

export function socketsOf(root: number): TreeSockets {
  const inodes = new Set(processTree(root).flatMap(({ pid }) => socketInodes(pid)));
  const rows = TABLES.flatMap(table => readTable(root, table)).filter(({ inode }) => inodes.has(inode));
  const listening = rows.filter(({ state, table }) => state === LISTEN || table.startsWith('udp'));
  const own = new Set(listening.map(({ local }) => local));
  return {
    listening: [...own].sort((a, b) => a - b),
    remote: rows.filter(({ state, local, remote }) => state !== LISTEN && remote !== 0 && !own.has(local)),
  };
}

function socketInodes(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode ?? [];
    });
  } catch {
    return [];
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function readTable(pid: number, table: string) {
  const [, ...lines] = readOr(`/proc/${pid}/net/${table}`).trim().split('\n');
  return lines.map(line => {
    const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
    return { table, state, inode, local: portOf(local), remote: portOf(remote) };
  });
}

/** Of `0100007F:1F90`. */
function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '0', 16);
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
