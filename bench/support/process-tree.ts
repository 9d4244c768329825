/** What /proc says of a process and all below it. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** utime + stime, s. */
  readonly cpuSeconds: number;
  /** Ticks after boot: with the pid, the identity of a process. */
  readonly started: number;
  readonly rssBytes: number;
  readonly command: string;
}

// The kernel's USER_HZ, which every Linux that Node runs on has at 100, and its page size.
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** The process and its descendants, itself first; those that ended meanwhile are left out. */
export function processTree(root: number): ProcessInfo[] {
  const all = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => readProcess(Number(name)) ?? []);
  const below = (parent: number): ProcessInfo[] =>
    all.filter(info => info.parent === parent).flatMap(info => [info, ...below(info.pid)]);
  return [...all.filter(info => info.pid === root), ...below(root)];
}

export interface CpuSeconds {
  /** Of the process itself. */
  readonly root: number;
  /** Of all below it. */
  readonly below: number;
}

/** CPU time of a process and its descendants so far; of the living only. */
export function treeCpu(root: number): CpuSeconds {
  const [first, ...below] = processTree(root);
  return { root: first?.cpuSeconds ?? 0, below: below.reduce((sum, info) => sum + info.cpuSeconds, 0) };
}

/** SIGKILLs all processes below this one. */
export function killBelow(root: number): void {
  for (const { pid } of processTree(root)) {
    try {
      if (pid !== root) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Is this very process, and not another with its number, still there (and no zombie)? */
export function isStillRunning({ pid, started }: ProcessInfo): boolean {
  return readProcess(pid)?.started === started;
}

function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold spaces and parentheses: fields are counted from after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (n: number): number => Number(fields[n - 3]);
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return {
      pid,
      parent: field(4),
      cpuSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
      started: field(22),
      rssBytes: field(24) * PAGE_BYTES,
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    };
  } catch {
    return undefined;
  }
}

/** CPU time so far of each process of a tree, s, to the nanosecond; the root's first. */
export type TreeCpu = ReadonlyMap<string, number>;

/** Reads the sum over each process's living threads, which is exact over short times, as `treeCpu`'s ticks are not. */
export function readTreeCpu(root: number): TreeCpu {
  return new Map(processTree(root).map(({ pid, started }) => [`${pid} ${started}`, threadsCpu(pid)]));
}

/** What a tree used between two readings; undefined when a process ended meanwhile and took its part with it. */
export function cpuBetween(before: TreeCpu, after: TreeCpu): CpuSeconds | undefined {
  for (const process of before.keys()) if (!after.has(process)) return undefined;
  const [root = 0, ...below] = [...after].map(([process, seconds]) => seconds - (before.get(process) ?? 0));
  return { root, below: below.reduce((sum, seconds) => sum + seconds, 0) };
}

function threadsCpu(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
      const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
      return sum + Number(ns) / 1e9;
    }, 0);
  } catch {
    return 0;
  }
}
