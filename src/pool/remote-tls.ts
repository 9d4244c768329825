/** The files of a remote's TLS settings, as connections take them. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { GatewayError } from '../errors.ts';
import type { RemoteTls } from './remote-spec.ts';

/** Rejects with `invalid` where a file cannot be read, or cannot serve. */
export async function tlsOf({ ca, cert, key, serverName }: RemoteTls = {}): Promise<Record<string, unknown>> {
  const named: Record<string, unknown> = serverName === undefined ? {} : { servername: serverName };
  for (const [name, file] of Object.entries({ ca, cert, key })) {
    if (file === undefined) continue;
    named[name] = await readFile(file).catch(() => {
      throw new GatewayError('invalid', `remote: tls.${name}: expected a file that can be read`);
    });
  }
  if ((cert === undefined) !== (key === undefined))
    throw new GatewayError('invalid', 'remote: tls: expected both cert and key, or neither');
  assertUsable(named);
  return named;
}

/** What is no PEM, and a key of another certificate, would else be seen with the first connection. */
function assertUsable(named: Record<string, unknown>): void {
  try {
    createSecureContext(named);
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 200) : '';
    throw new GatewayError(
      'invalid',
      `remote: tls: expected PEM files, and the key of the certificate (${why})`,
    );
  }
}
