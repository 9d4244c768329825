/** One line for each check. */
import type { Outcome } from './install.ts';
import type { QuietReport } from './quiet-run.ts';

export interface Verdict {
  readonly name: string;
  readonly outcome: Outcome;
}

/** `problems`: none, and all is well. */
export function verdictOf(name: string, problems: readonly (string | number)[], well: string): Verdict {
  if (problems.length === 0) return { name, outcome: { kind: 'well', detail: well } };
  return {
    name,
    outcome: { kind: 'broken', detail: `${problems.length}: ${problems.slice(0, 10).join('; ')}` },
  };
}

/** 0 where all is well but what only the registry could say; a check that was not made proves nothing. */
export function exitCodeOf(verdicts: readonly Verdict[]): 0 | 1 {
  return verdicts.every(({ outcome: { kind } }) => kind === 'well' || kind === 'not available') ? 0 : 1;
}

/** The names of those that were neither well nor broken; empty when every check was made. */
export function unmade(verdicts: readonly Verdict[]): string[] {
  return verdicts.flatMap(({ name, outcome: { kind } }) =>
    kind === 'not available' || kind === 'not made' ? [name] : [],
  );
}

export function quietVerdicts(report: QuietReport): Verdict[] {
  const how = report.traced
    ? 'every system call of gateway and workers'
    : 'sockets looked at, no strace here';
  const untraced: Outcome = { kind: 'not made', detail: 'no strace here' };
  const written = verdictOf('files written outside its folders', report.written, how);
  return [
    verdictOf('connections to what is not configured', report.calls, how),
    verdictOf('listeners beyond the declared ports', report.listeners, how),
    verdictOf('secrets in logs and answers', report.secrets, `${report.searched} answers and lines searched`),
    verdictOf("workers with ONNX Runtime's telemetry on", report.telemetry, 'off under both names'),
    report.traced ? written : { ...written, outcome: untraced },
  ];
}
