/** How much of the memory there is for this process is in use. */
import { readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';

const CGROUPS = '/sys/fs/cgroup';

/** Reads files of /proc and of the control group: 0.1 ms. */
export type MemoryShare = () => number;

/**
 * The larger of two: V8's heap, which ends the process when it is full, and what the container, or the machine, has
 * given out; of files that are only cached nothing is counted, for they make room by themselves. Where neither is told
 * the heap alone.
 */
export function memoryShareOf(root = ''): MemoryShare {
  const given = containerShare(`${root}${CGROUPS}${ownGroup(root)}`) ?? machineShare(`${root}/proc/meminfo`);
  return () => Math.max(heapShare(), given?.() ?? 0);
}

function heapShare(): number {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return used_heap_size / heap_size_limit;
}

/** Of cgroup v2; undefined without a limit. */
function containerShare(group: string): MemoryShare | undefined {
  const limit = Number(textOf(`${group}/memory.max`));
  if (!(limit > 0)) return undefined;
  return () => {
    const current = Number(textOf(`${group}/memory.current`));
    const stat = textOf(`${group}/memory.stat`);
    const cached = (numberAfter(stat, '\ninactive_file ') ?? 0) + (numberAfter(stat, '\nactive_file ') ?? 0);
    return Number.isNaN(current) ? 0 : (current - cached) / limit;
  };
}

function machineShare(file: string): MemoryShare | undefined {
  const total = numberAfter(textOf(file), 'MemTotal:');
  if (total === undefined) return undefined;
  return () => 1 - (numberAfter(textOf(file), 'MemAvailable:') ?? total) / total;
}

/** The process's own group, '' where it is the root, as it is inside a container. */
function ownGroup(root: string): string {
  const path = /^0::(\/.*)$/m.exec(textOf(`${root}/proc/self/cgroup`) ?? '')?.[1] ?? '/';
  return path === '/' ? '' : path;
}

/** Undefined where there is no such file, as on another system. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return undefined;
  }
}

function numberAfter(text: string | undefined, name: string): number | undefined {
  const at = text?.indexOf(name) ?? -1;
  if (text === undefined || at < 0) return undefined;
  const value = Number.parseInt(text.slice(at + name.length), 10);
  return Number.isNaN(value) ? undefined : value;
}
