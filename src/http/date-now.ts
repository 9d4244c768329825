let text = '';
/** The second that the text is of, ms since the epoch: a clock may also be put back. */
let second = Number.NaN;

/** The value of a `Date` header now; made anew once a second: 0.1 µs instead of 1.3 an answer. */
export function dateNow(): string {
  const now = Date.now();
  const isOf = now - (now % 1000);
  if (isOf !== second) {
    text = new Date(now).toUTCString();
    second = isOf;
  }
  return text;
}
