/** What /proc says of each thread of a process: time on a core and switches. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ThreadCpu {
  readonly tid: number;
  readonly name: string;
  readonly cpuMs: number;
  /** How often it went to sleep by itself. */
  readonly sleeps: number;
  /** How often another took its core. */
  readonly preemptions: number;
}

export function threadsOf(pid: number): ThreadCpu[] {
  return readdirSync(`/proc/${pid}/task`).map(tid => {
    const folder = `/proc/${pid}/task/${tid}`;
    const status = readFileSync(`${folder}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return {
      tid: Number(tid),
      name: readFileSync(`${folder}/comm`, 'utf8').trim(),
      cpuMs: Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
      sleeps: field('voluntary_ctxt_switches'),
      preemptions: field('nonvoluntary_ctxt_switches'),
    };
  });
}

/** What each thread used between two readings, the busiest first. */
export function usedBetween(before: readonly ThreadCpu[], after: readonly ThreadCpu[]): ThreadCpu[] {
  const used = after.map(thread => {
    const earlier = before.find(({ tid }) => tid === thread.tid);
    return {
      ...thread,
      cpuMs: thread.cpuMs - (earlier?.cpuMs ?? 0),
      sleeps: thread.sleeps - (earlier?.sleeps ?? 0),
      preemptions: thread.preemptions - (earlier?.preemptions ?? 0),
    };
  });
  return used.sort((a, b) => b.cpuMs - a.cpuMs);
}
