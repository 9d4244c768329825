/** Random tensors for property tests. */
import fc from 'fast-check';
import { type Datatype, ELEMENT_BYTES, elementCount, type Tensor } from '../../src/tensor.ts';

export const DATATYPES = Object.keys(ELEMENT_BYTES) as Datatype[];

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

/** A tensor of the datatype; floats finite where `json`; BYTES is UTF-8 without NUL. */
export function tensors(datatype: Datatype, json: boolean): fc.Arbitrary<Tensor> {
  return shapes.chain(shape =>
    fc
      .array(elements(datatype, json), { minLength: elementCount(shape), maxLength: elementCount(shape) })
      .map(parts => ({ name: 'x', datatype, shape, data: Buffer.concat(parts) })),
  );
}

function elements(datatype: Datatype, json: boolean): fc.Arbitrary<Uint8Array> {
  if (datatype === 'BYTES') {
    const content = fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\0'));
    return content.map(text => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([length, bytes]);
    });
  }
  if (datatype === 'BOOL') return fc.boolean().map(value => Buffer.from([value ? 1 : 0]));
  const finite = { noNaN: json, noDefaultInfinity: json };
  if (datatype === 'FP32')
    return fc.float(finite).map(value => new Uint8Array(Float32Array.of(value).buffer));
  if (datatype === 'FP64')
    return fc.double(finite).map(value => new Uint8Array(Float64Array.of(value).buffer));
  const size = ELEMENT_BYTES[datatype];
  // Whole words, and words of few bits so that small, large and extreme values all come.
  return fc.oneof(
    fc.uint8Array({ minLength: size, maxLength: size }),
    fc
      .array(fc.constantFrom(0, 0, 1, 127, 128, 255), { minLength: size, maxLength: size })
      .map(bytes => Uint8Array.from(bytes)),
  );
}
