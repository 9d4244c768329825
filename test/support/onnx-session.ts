/** ONNX Runtime in a child process, for tests that want its own answers: a native crash must not take the test with it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Datatype } from '../../src/tensor.ts';

export interface Values {
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** bigint for 64-bit integers, string for BYTES, the bits as a number for FP16. */
  readonly values: readonly (number | bigint | string | boolean)[];
}

export type Feeds = Readonly<Record<string, Values>>;
export interface Run {
  readonly model: Uint8Array | string;
  readonly feeds: Feeds;
}
export type Answer = { readonly outputs: Feeds } | { readonly error: string };

/** A child that runs models on one thread; `await using` ends it. */
export class OnnxSession implements AsyncDisposable {
  readonly #child: ChildProcess = fork(new URL('./onnx-session-child.ts', import.meta.url), {
    serialization: 'advanced',
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ORT_TELEMETRY_DISABLED: '1' },
  });

  /** Rejects with ONNX Runtime's own message when the model cannot be loaded or the run fails. */
  async run(model: Uint8Array | string, feeds: Feeds): Promise<Feeds> {
    const answered = once(this.#child, 'message');
    this.#child.send({ model, feeds } satisfies Run);
    const [answer] = (await answered) as [Answer];
    if ('error' in answer) throw new Error(answer.error);
    return answer.outputs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
