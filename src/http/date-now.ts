let text = '';
let validUntil = 0;

/** The value of a `Date` header now; made anew once a second, as node:http does for its own. */
export function dateNow(): string {
  const now = Date.now();
  if (now >= validUntil) {
    text = new Date(now).toUTCString();
    validUntil = now - (now % 1000) + 1000;
  }
  return text;
}
