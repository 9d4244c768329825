/**
 * Contents in the order of a load: of `contents` the one of rank k comes in proportion to (k + 1)^−exponent, by
 * inversion of the sum. `random`: 0 ≤ x < 1.
 */
export function zipf(exponent: number, contents: number, count: number, random: () => number): number[] {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 0; rank < contents; rank++) {
    sum += (rank + 1) ** -exponent;
    sums.push(sum);
  }
  return Array.from({ length: count }, () => rankAt(sums, random() * sum));
}

/** The first rank whose sum is not below `at`. */
function rankAt(sums: readonly number[], at: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
