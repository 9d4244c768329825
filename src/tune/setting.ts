/** What a sweep varies, and which of it is worth trying on a machine. */

/** How a version's instances are laid out on the cores. */
export interface Layout {
  readonly instances: number;
  /** Intra-op threads of each. */
  readonly threads: number;
}

export interface Setting extends Layout {
  /** Rows a run; 1 for a model without a batch axis. */
  readonly batch: number;
}

/** Larger batches are not tried unless the configuration names them. */
const MAX_BATCH = 256;
/** Of one batch's inputs. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/**
 * One instance of one thread, which the others are compared with; then layouts that fill the cores, then those that
 * fill half. With fewer threads first: they win most often, and a budget may end early.
 */
export function layoutsFor(cores: number): readonly Layout[] {
  const threads = powersUpTo(cores);
  const filling = (share: number) =>
    threads.map(count => ({ instances: Math.floor(cores / share / count), threads: count }));
  const all = [{ instances: 1, threads: 1 }, ...filling(1), ...filling(2)];
  const seen = new Set<string>();
  return all.filter(layout => layout.instances > 0 && !seen.has(keyOf(layout)) && seen.add(keyOf(layout)));
}

/** Powers of two, ascending, and the limit itself. */
function powersUpTo(limit: number): readonly number[] {
  const powers: number[] = [];
  for (let power = 1; power < limit; power *= 2) powers.push(power);
  return [...powers, limit];
}

/** Batch sizes to try, ascending. `allowed` as configured: the only ones, when there are any. */
export function batchesFor(allowed: readonly number[], rowBytes: number): readonly number[] {
  if (allowed.length > 0) return allowed;
  return powersUpTo(MAX_BATCH).filter(batch => batch === 1 || batch * rowBytes <= MAX_BATCH_BYTES);
}

export function keyOf({ instances, threads }: Layout): string {
  return `${instances}×${threads}`;
}

/** "two one-thread instances", "one two-thread instance". */
export function layoutName({ instances, threads }: Layout): string {
  return `${number(instances)} ${number(threads)}-thread instance${instances === 1 ? '' : 's'}`;
}

const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];
const number = (count: number): string => NUMBERS[count] ?? String(count);
