/** What /proc says of processes: for tests that no process outlives its owner. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** Ids of the living children of a process. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(candidate => parentOf(candidate) === pid);
}

/** True while the process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Resolves when none of the processes is alive. */
export async function allGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise(resolve => setTimeout(resolve, 5));
}

function parentOf(pid: number): number | undefined {
  const field = statOf(pid)?.[1];
  return field === undefined ? undefined : Number(field);
}

/** The fields of /proc/<pid>/stat behind the command's name: state, parent, … */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
