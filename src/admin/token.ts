/** The bearer token, compared without telling how much of a guess was right. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an Authorization header carries the token. */
export type TokenCheck = (authorization: string | undefined, method: string) => boolean;

/**
 * Digests are compared, so neither the time taken nor a wrong length tells anything. A browser cannot send a bearer
 * token for a page, so Basic credentials with the token as password may read; they may change nothing, because a
 * browser adds them to requests that other pages start.
 */
export function createTokenCheck(token: string): TokenCheck {
  const expected = digest(token);
  return (authorization, method) => {
    const presented = presentedToken(authorization ?? '', method);
    return presented !== undefined && timingSafeEqual(digest(presented), expected);
  };
}

function presentedToken(authorization: string, method: string): string | undefined {
  const [, scheme = '', credentials = ''] = /^(bearer|basic) +([\x21-\x7e]+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic' || (method !== 'GET' && method !== 'HEAD')) return undefined;
  const pair = Buffer.from(credentials, 'base64').toString();
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
