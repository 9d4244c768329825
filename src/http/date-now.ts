let text = '';
let validUntil = 0;

/** The value of a `Date` header now; made anew once a second: 0.1 µs instead of 1.3 an answer. */
export function dateNow(): string {
  const now = Date.now();
  if (now >= validUntil) {
    text = new Date(now).toUTCString();
    validUntil = now - (now % 1000) + 1000;
  }
  return text;
}
