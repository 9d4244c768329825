import type { TensorSpec } from '../tensor.ts';
import { brief } from './brief.ts';
import type { RequestedOutput } from './infer-request.ts';
import type { JsonReader } from './json-reader.ts';
import { MAX_CLASSES } from './limits.ts';
import { type Parameters, readParameters, takeBoolean, takeCount } from './read-parameters.ts';

/** Reads a request's `outputs`: names of the signature, each at most once. An empty list asks for all, as none does. */
export function readOutputs(
  reader: JsonReader,
  specs: readonly TensorSpec[],
): readonly RequestedOutput[] | undefined {
  const outputs: RequestedOutput[] = [];
  reader.enterArray('outputs');
  reader.list = 'outputs';
  while (reader.nextElement()) {
    reader.index = outputs.length;
    const output = readOutput(reader);
    if (!specs.some(spec => spec.name === output.name))
      reader.fail('name', `the model has no output '${brief(output.name)}'`);
    if (outputs.some(other => other.name === output.name))
      reader.fail('name', `'${brief(output.name)}' is asked for twice`);
    outputs.push(output);
  }
  reader.list = '';
  return outputs.length === 0 ? undefined : outputs;
}

function readOutput(reader: JsonReader): RequestedOutput {
  let name: string | undefined;
  let parameters: Parameters | undefined;
  reader.enterObject('');
  for (let member = reader.nextMember(); member !== undefined; member = reader.nextMember()) {
    if (member === 'name') {
      if (name !== undefined) reader.fail(member, 'given twice');
      if (!reader.isStringNext()) reader.fail(member, `expected a string, got ${reader.describe()}`);
      name = reader.string();
    } else if (member === 'parameters') {
      if (parameters !== undefined) reader.fail(member, 'given twice');
      parameters = readParameters(reader);
    } else reader.skip();
  }
  if (name === undefined) reader.fail('name', 'required');
  if (parameters === undefined) return { name, binary: undefined, classification: 0 };
  const classification = takeCount(reader, parameters, 'classification') ?? 0;
  if (classification > MAX_CLASSES)
    reader.fail('parameters.classification', `expected at most ${MAX_CLASSES}, got ${classification}`);
  return { name, binary: takeBoolean(reader, parameters, 'binary_data'), classification };
}
