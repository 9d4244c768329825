/** Replaces a version's file as a careful operator would, and says how soon the new content answered. */
import { setTimeout as wait } from 'node:timers/promises';
import { writeVersion } from '../../test/support/onnx.ts';
import { Caller } from './caller.ts';
import { inferPath, inferRequest, readAnswer } from './oip.ts';

const WITHIN_MS = 30_000;

export interface Replacement {
  /** Whose version 1 it is: `x` FP32 [-1, width] → `y` of the same shape. */
  readonly model: string;
  readonly width: number;
  readonly content: Uint8Array;
  /** What the content answers to zeros. */
  readonly answer: number;
}

/** Resolves with the time until the content answers, ms; undefined when it did not within 30 s. */
export async function contentReplaced(
  port: number,
  repository: string,
  { model, width, content, answer }: Replacement,
): Promise<number | undefined> {
  const feed = { name: 'x', shape: [1, width], values: new Float32Array(width) };
  const request = inferRequest(inferPath(model), [feed], 'binary');
  const started = performance.now();
  const caller = new Caller(port);
  try {
    await writeVersion(repository, model, 1, content);
    while (performance.now() - started < WITHIN_MS) {
      const reply = await caller.call(request);
      if (reply.status === 200 && readAnswer(reply).get('y')?.[0] === answer)
        return performance.now() - started;
      await wait(20);
    }
    return undefined;
  } finally {
    caller.close();
  }
}
