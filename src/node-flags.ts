/**
 * Flags of the Node that runs the gateway, as the first line of `main.ts` and the scripts of `package.json` have them.
 *
 * `--v8-pool-size=0`: as many helper threads as there are cores beside the event loop's, instead of four. With four on
 * two cores every collection of a gateway with 11,000 connections kept both busy for 80 ms, and everybody waited: p99 of
 * other callers 8 to 41 ms in 10 s stretches, with as many as there are cores 3 to 5 (without those connections 2.5 to 6).
 */
export const NODE_FLAGS = ['--v8-pool-size=0'] as const;
