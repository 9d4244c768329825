/** Model files: small real ones, damaged, mostly where the protobuf says what comes next and how long it is. */
import fc from 'fast-check';
import { concat, expand, gather, identity, mlp, slow, twoOutputs } from '../support/onnx.ts';
import type { Draft } from './case-source.ts';
import { readCorpus } from './corpus.ts';
import { mutated, mutation, seeded } from './mutation.ts';

/** Real files, from one operator to a graph inside a graph. */
export function realModels(): Buffer[] {
  const bytes = identity({ datatype: 'BYTES', shape: [-1, 1] });
  return [identity(), bytes, gather(), twoOutputs(), concat(), expand(), slow(3, 4), mlp([4, 3, 2])].map(
    model => Buffer.from(model),
  );
}

/** Two files joined at any place each. */
function crossed(models: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const part = fc.noBias(fc.integer({ min: 0, max: 1000 })).map(thousandths => thousandths / 1000);
  const one = fc.constantFrom(...models);
  return fc
    .tuple(one, one, part, part)
    .map(([a, b, to, from]) =>
      Buffer.concat([a.subarray(0, Math.floor(to * a.length)), b.subarray(Math.floor(from * b.length))]),
    );
}

export function modelCases(): fc.Arbitrary<Draft> {
  const models = [...realModels(), ...readCorpus('model').map(({ bytes }) => bytes)];
  const once = fc.tuple(fc.constantFrom(...models), mutation).map(([model, by]) => mutated(model, [by]));
  const random = fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes));
  return fc
    .oneof(
      { weight: 6, arbitrary: once },
      { weight: 5, arbitrary: seeded(models) },
      { weight: 2, arbitrary: crossed(models) },
      { weight: 1, arbitrary: random },
      { weight: 1, arbitrary: fc.constantFrom(...models) },
    )
    .map(bytes => ({ bytes }));
}
