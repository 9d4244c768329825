/** Gets to know a version that only servers elsewhere have: the first that answers says what it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import { type Examined, examine } from './examine.ts';
import { whyBroken } from './remote-failure.ts';
import type { RemoteVersion } from './remote-version.ts';
import type { VersionSpec } from './version-spec.ts';

const ASK_FOR_MS = 10_000;
const ASK_AGAIN_MS = 500;

/** Rejects with `unavailable` when none answers within ten seconds, and as `examine`. */
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
          (error: unknown) => `${remote.worker}: ${whyBroken(error)}`,
        ),
      ),
    );
    for (const found of asked) {
      if (typeof found === 'string') continue;
      return examine(execution => found.remote.try(execution), found.signature, spec);
    }
    if (performance.now() > untilMs) {
      throw new GatewayError('unavailable', `no remote can be used: ${asked.join('; ')}`.slice(0, 1000));
    }
    await sleep(ASK_AGAIN_MS);
  }
}
