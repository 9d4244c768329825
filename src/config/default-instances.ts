/**
 * How many one-thread CPU instances a model gets when nobody says. One thread each, because rows that run side by side
 * gain more than one run that is split: on the text-direction CNN two one-thread instances carried 1.1 to 1.3 times what
 * one two-thread instance did on a busy machine, and twice as much on a quiet one. As many as cores while those are few. Beyond four cores fewer: every instance holds
 * its own copy of the weights, models share the machine, and no more runs are admitted at once than there are cores.
 * 1, 2 and 4 cores give as many, 16 give 8, 64 give 16; `headgate tune` finds what one model deserves.
 */
export function defaultInstances(cores: number): number {
  return Math.min(cores, Math.round(2 * Math.sqrt(cores)));
}
