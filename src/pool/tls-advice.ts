/** What an operator can do when no secure connection comes about, by the error's code. Pure. */

const WANTS_ONE = 'wants a certificate from us: set tls.cert and tls.key';
const ADVICE: readonly (readonly [code: RegExp, advice: string])[] = [
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired: it needs a new one'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet: compare the clocks of both machines'],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    'its certificate is for another name: use that name in the url, or set tls.serverName to it',
  ],
  [
    /^(UNABLE_TO_(VERIFY|GET_ISSUER)_.*|.*SELF_SIGNED_CERT.*)$/,
    'its certificate is of an authority that is not trusted: set tls.ca to the file of that authority',
  ],
  [/^ERR_SSL_.*_ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/, `it ${WANTS_ONE}`],
  [
    /^ERR_SSL_.*_ALERT_(UNKNOWN_CA|.*CERTIFICATE.*)$/,
    'it does not accept the certificate of tls.cert: is it of an authority that it trusts, and not expired?',
  ],
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/, 'it does not speak TLS there: an http url?'],
];

/** Some servers close the connection without a word when they miss a certificate, or do not accept it. */
const CLOSED = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/;

/**
 * In words that follow the code; undefined where the code says enough, or nothing of TLS. `shows`: whether we have a
 * certificate to show; undefined where there is no TLS.
 */
export function tlsAdvice(code: string, shows?: boolean): string | undefined {
  if (shows !== undefined && CLOSED.test(code)) {
    return `it closed the connection: perhaps it ${shows ? 'does not accept the certificate of tls.cert' : WANTS_ONE}`;
  }
  return ADVICE.find(([pattern]) => pattern.test(code))?.[1];
}
