import { type Datatype, isDatatype, type Shape, type TensorSpec } from '../tensor.ts';
import { brief } from './brief.ts';
import type { JsonReader } from './json-reader.ts';
import type { DecodeLimits } from './limits.ts';
import { type Parameters, readParameters, takeCount } from './read-parameters.ts';
import { checkShape, countElements, readShape } from './read-shape.ts';
import { readTensorData } from './read-tensor-data.ts';

/** A tensor as the JSON describes it. */
export interface TensorDraft {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  readonly count: number;
  /** Its place among the specifications it was held to. */
  readonly place: number;
  /** Its bytes where the JSON carried them; undefined: `binaryBytes` bytes behind the JSON. */
  data: Uint8Array | undefined;
  binaryBytes: number;
}

interface Members {
  name: string | undefined;
  datatype: string | undefined;
  shape: number[] | undefined;
  parameters: Parameters | undefined;
  /** Where the value of `data` begins; −1: not given. */
  dataAt: number;
  /** Made as soon as name, datatype and shape are known and needed. */
  draft: TensorDraft | undefined;
}

/**
 * Reads one element of `inputs` (or of a reply's `outputs`) at the reader's list and index, held to the
 * specification of its name where `specs` is given. Members may come in any order, others than the protocol's are
 * passed over; `data` that comes before the shape is passed over and read at the end.
 */
export function readTensor(
  reader: JsonReader,
  specs: readonly TensorSpec[] | undefined,
  limits: DecodeLimits,
): TensorDraft {
  const members: Members = {
    name: undefined,
    datatype: undefined,
    shape: undefined,
    parameters: undefined,
    dataAt: -1,
    draft: undefined,
  };
  reader.enterObject('');
  for (let member = reader.nextMember(); member !== undefined; member = reader.nextMember()) {
    // Some servers write null for what they leave out; in a request it is a mistake.
    if (specs === undefined && reader.isNullNext()) reader.skip();
    else if (member === 'data') readDataMember(reader, members, specs, limits);
    else readMember(reader, member, members, limits);
  }
  const draft = members.draft ?? describe(reader, members, specs, limits);
  const binaryBytes = members.parameters && takeCount(reader, members.parameters, 'binary_data_size');
  if (members.dataAt >= 0 === (binaryBytes !== undefined)) failSource(reader, binaryBytes !== undefined);
  if (binaryBytes !== undefined) draft.binaryBytes = binaryBytes;
  else draft.data ??= readSkippedData(reader, members.dataAt, draft);
  return draft;
}

function readMember(reader: JsonReader, member: string, members: Members, limits: DecodeLimits): void {
  if (member === 'name') members.name = readText(reader, member, members.name);
  else if (member === 'datatype') members.datatype = readText(reader, member, members.datatype);
  else if (member === 'shape') {
    if (members.shape !== undefined) reader.fail(member, 'given twice');
    members.shape = readShape(reader, limits);
  } else if (member === 'parameters') {
    if (members.parameters !== undefined) reader.fail(member, 'given twice');
    members.parameters = readParameters(reader);
  } else reader.skip();
}

function readDataMember(
  reader: JsonReader,
  members: Members,
  specs: readonly TensorSpec[] | undefined,
  limits: DecodeLimits,
): void {
  if (members.dataAt >= 0) reader.fail('data', 'given twice');
  members.dataAt = reader.position;
  if (members.name === undefined || members.datatype === undefined || members.shape === undefined) {
    reader.skip();
    return;
  }
  const draft = describe(reader, members, specs, limits);
  draft.data = readTensorData(reader, draft.datatype, draft.shape, draft.count);
  members.draft = draft;
}

function readSkippedData(reader: JsonReader, at: number, draft: TensorDraft): Uint8Array {
  const after = reader.position;
  reader.seek(at);
  const data = readTensorData(reader, draft.datatype, draft.shape, draft.count);
  reader.seek(after);
  return data;
}

function describe(
  reader: JsonReader,
  members: Members,
  specs: readonly TensorSpec[] | undefined,
  limits: DecodeLimits,
): TensorDraft {
  const name = members.name ?? reader.fail('name', 'required');
  const datatype = members.datatype ?? reader.fail('datatype', 'required');
  const shape = members.shape ?? reader.fail('shape', 'required');
  if (specs === undefined) {
    if (!isDatatype(datatype))
      reader.fail('datatype', `expected a datatype of the protocol, got '${brief(datatype)}'`);
    return draftOf(reader, name, datatype, shape, reader.index, limits);
  }
  const place = placeOf(reader, name, specs);
  const spec = specs[place] as TensorSpec;
  if (datatype !== spec.datatype)
    reader.fail('datatype', `expected ${spec.datatype}, got ${brief(datatype)}`);
  checkShape(reader, shape, spec);
  return draftOf(reader, spec.name, spec.datatype, shape, place, limits);
}

function draftOf(
  reader: JsonReader,
  name: string,
  datatype: Datatype,
  shape: Shape,
  place: number,
  limits: DecodeLimits,
): TensorDraft {
  const count = countElements(reader, shape, limits.maxElements);
  return { name, datatype, shape, count, place, data: undefined, binaryBytes: 0 };
}

/** Callers mostly list inputs in the signature's order, so the search begins there. */
function placeOf(reader: JsonReader, name: string, specs: readonly TensorSpec[]): number {
  if (specs[reader.index]?.name === name) return reader.index;
  const place = specs.findIndex(spec => spec.name === name);
  if (place < 0) reader.fail('name', `the model has no input '${brief(name)}'`);
  return place;
}

function readText(reader: JsonReader, member: string, before: string | undefined): string {
  if (before !== undefined) reader.fail(member, 'given twice');
  if (!reader.isStringNext()) reader.fail(member, `expected a string, got ${reader.describe()}`);
  return reader.string();
}

function failSource(reader: JsonReader, both: boolean): never {
  reader.fail(
    '',
    `expected exactly one of data and parameters.binary_data_size, got ${both ? 'both' : 'neither'}`,
  );
}
