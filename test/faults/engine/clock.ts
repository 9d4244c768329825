/**
 * Preloaded by `NODE_OPTIONS=--import`: each SIGUSR2 has the wall clock of the process jump to the next of these, ms. What
 * runs on the monotonic clock must not notice.
 */
const HOUR = 3_600_000;
const JUMPS = [HOUR, -HOUR, 1000, 366 * 24 * HOUR, 0];

const RealDate = Date;
let jumps = 0;
const offset = (): number => (jumps === 0 ? 0 : (JUMPS[(jumps - 1) % JUMPS.length] ?? 0));

class JumpingDate extends RealDate {
  constructor(...given: [] | [value: number | string | Date]) {
    if (given.length === 0) super(JumpingDate.now());
    else super(given[0]);
  }

  static override now(): number {
    return RealDate.now() + offset();
  }
}

globalThis.Date = JumpingDate as DateConstructor;
process.on('SIGUSR2', () => {
  jumps++;
  process.stdout.write(`the wall clock jumped to ${new Date().toISOString()}\n`);
});
