/**
 * Who may ask the operator's plane anything, decided before a route is looked at, for every method and path alike:
 * no web page of another origin, and, where there is a token, nobody without it.
 */
import { type HostPolicy, hostName, isHostAllowed } from './addresses.ts';
import type { TokenCheck } from './token.ts';

export interface AccessPolicy extends HostPolicy {
  /** Undefined: no token is asked for, which only a loopback listener may do. */
  readonly checkToken: TokenCheck | undefined;
}

/** The facts of a request that the decision rests on. */
export interface Knock {
  readonly method: string;
  /** The request target as sent: a path, or a whole URL. */
  readonly target: string;
  /** Every Host header sent. */
  readonly hosts: readonly string[];
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  /** The matched route is one that is read without a token. */
  readonly open: boolean;
}

export interface Refusal {
  readonly status: 400 | 401 | 403 | 415;
  readonly message: string;
}

/** Undefined: come in. */
export function refusalOf(knock: Knock, policy: AccessPolicy): Refusal | undefined {
  return (
    wrongHost(knock, policy) ??
    foreignPage(knock, policy) ??
    missingToken(knock, policy) ??
    wrongContentType(knock)
  );
}

/** A name that is not ours means that some page had its own name resolve to this machine. */
function wrongHost({ hosts, target }: Knock, policy: HostPolicy): Refusal | undefined {
  const [host, ...more] = hosts;
  if (more.length > 0) return { status: 400, message: 'host: expected one' };
  const asked = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];
  if (host !== undefined && isHostAllowed(host, policy) && isHostAllowed(asked ?? host, policy))
    return undefined;
  return { status: 403, message: 'host: expected a loopback name or address, or one of admin.allowedHosts' };
}

function foreignPage(
  { origin, hosts, fetchSite, fetchMode, method }: Knock,
  policy: HostPolicy,
): Refusal | undefined {
  if (origin !== undefined && !isOwnOrigin(origin, hosts[0] ?? '', policy))
    return { status: 403, message: "origin: expected this plane's own" };
  const foreign = fetchSite === 'cross-site' || fetchSite === 'same-site';
  const followedLink = method === 'GET' && fetchMode === 'navigate';
  if (!foreign || followedLink) return undefined;
  return { status: 403, message: 'sec-fetch-site: expected same-origin or none' };
}

/** `https` only under a name that was allowed: then something in front of this plane ends the TLS. */
function isOwnOrigin(origin: string, host: string, { allowedHosts }: HostPolicy): boolean {
  const asked = origin.toLowerCase();
  const own = host.toLowerCase();
  return asked === `http://${own}` || (asked === `https://${own}` && allowedHosts.has(hostName(own) ?? ''));
}

function missingToken({ open, authorization, method }: Knock, policy: AccessPolicy): Refusal | undefined {
  if (open || policy.checkToken === undefined || policy.checkToken(authorization, method)) return undefined;
  return { status: 401, message: 'authorization: expected the admin token as a bearer token' };
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const CONTENT_TYPES = new Set(['', 'application/json', 'application/octet-stream']);

/** The types a form can send without asking first are not taken. */
function wrongContentType({ method, contentType = '' }: Knock): Refusal | undefined {
  const [type = ''] = contentType.split(';');
  if (READS.has(method) || CONTENT_TYPES.has(type.trim().toLowerCase())) return undefined;
  return {
    status: 415,
    message: 'content-type: expected application/json, application/octet-stream or none',
  };
}
