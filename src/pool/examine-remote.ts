/** Gets to know a version that only servers elsewhere have: the first that answers says what it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import { type Examined, examine } from './examine.ts';
import type { RemoteVersion } from './remote-version.ts';
import type { VersionSpec } from './version-spec.ts';

const ASK_FOR_MS = 2000;
/** When none answered, whoever loads it tries again after this, and longer each time. */
const RETRY_AFTER_MS = 1000;
const ASK_AGAIN_MS = 500;

/** Rejects with `unavailable` when none answers within two seconds, and as `examine`. */
export async function examineRemotely(
  remotes: readonly RemoteVersion[],
  spec: VersionSpec,
): Promise<Examined> {
  const untilMs = performance.now() + ASK_FOR_MS;
  for (;;) {
    const asked = await Promise.all(
      remotes.map(remote =>
        remote.introduce().then(
          signature => ({ remote, signature }),
          (error: unknown) => `${remote.worker}: ${remote.client.why(error)}`,
        ),
      ),
    );
    for (const found of asked) {
      if (typeof found === 'string') continue;
      return examine(execution => found.remote.try(execution), found.signature, spec);
    }
    if (performance.now() > untilMs) {
      const message = `no remote can be used, and they are asked again: ${asked.join('; ')}`.slice(0, 1000);
      throw new GatewayError('unavailable', message, { retryAfterMs: RETRY_AFTER_MS });
    }
    await sleep(ASK_AGAIN_MS);
  }
}
