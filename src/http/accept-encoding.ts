/** The compression a client prefers for its answer, by the weights of `Accept-Encoding`; undefined: none. */
export function preferredEncoding(header: string | undefined): 'gzip' | 'deflate' | undefined {
  if (header === undefined || header === 'identity') return undefined;
  const weights = new Map<string, number>();
  for (const part of header.toLowerCase().split(',', 16)) {
    const [name = '', ...parameters] = part.split(';').map(piece => piece.trim());
    const q = parameters.find(parameter => parameter.startsWith('q='));
    weights.set(name, q === undefined ? 1 : Number(q.slice(2)) || 0);
  }
  const weightOf = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0;
  const gzip = weightOf('gzip');
  const deflate = weightOf('deflate');
  const best = Math.max(gzip, deflate);
  if (best === 0 || best < (weights.get('identity') ?? 0)) return undefined;
  return gzip >= deflate ? 'gzip' : 'deflate';
}
