import { constants, createDeflate, createGzip } from 'node:zlib';

/** Compresses chunks one after another off the event loop; resolves with the compressed chunks. */
export function compress(
  chunks: readonly Uint8Array[],
  encoding: 'gzip' | 'deflate',
): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const stream = (encoding === 'gzip' ? createGzip : createDeflate)({ level: constants.Z_BEST_SPEED });
    const compressed: Uint8Array[] = [];
    stream.on('data', (chunk: Buffer) => compressed.push(chunk));
    stream.once('end', () => resolve(compressed));
    stream.once('error', reject);
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
  });
}
