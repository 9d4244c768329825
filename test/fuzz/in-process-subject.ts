/** What the loaders make of a case, in this very process: an outcome, or a throw that no loader may throw. */
import { ConfigError } from '../../src/config/config-error.ts';
import { loadGatewayConfig } from '../../src/config/gateway-config.ts';
import { parseModelConfig } from '../../src/config/model-config.ts';
import { parseTritonConfig } from '../../src/config/triton-config.ts';
import { OnnxWalk } from '../../src/repository/onnx-walk.ts';
import type { FuzzCase } from './fuzz-case.ts';
import { classOf } from './judge.ts';

/** Thrown where the same bytes are judged otherwise when they come in other pieces. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement';
}

/** Returns the outcome's class. Throws what the loader threw when it was no refusal. */
export function check(fuzzed: FuzzCase): string {
  const outcome = fuzzed.kind === 'model' ? walked(fuzzed) : loaded(fuzzed);
  const grown = Object.keys(Object.prototype);
  if (grown.length > 0) throw new Error(`Object.prototype has grown ${grown.join(', ')}`);
  return outcome;
}

function loaded({ form, bytes }: FuzzCase): string {
  const text = bytes.toString();
  try {
    if (form === 'gateway') loadGatewayConfig({ file: 'headgate.yaml', fileText: text });
    else if (form === 'model') parseModelConfig(text, 'config.yaml');
    else if (form === 'pbtxt') parseTritonConfig(text, 'config.pbtxt', 'x');
    else loadGatewayConfig({ env: variablesOf(text) });
    return 'taken';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = error.problems;
    return `refused ${classOf(first?.message ?? '')}`;
  }
}

function variablesOf(text: string): Record<string, string> {
  const pairs = text.split('\n').map(line => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

function walked({ bytes, index }: FuzzCase): string {
  const whole = walk(bytes, bytes.length);
  const parts = walk(bytes, 1 + (index % 17));
  if (whole !== parts) throw new Disagreement(`whole: ${whole}; in parts: ${parts}`);
  return whole;
}

function walk(bytes: Buffer, size: number): string {
  const onnx = new OnnxWalk();
  for (let at = 0; at < bytes.length; at += size) onnx.push(bytes.subarray(at, at + size));
  const problem = onnx.problem();
  return problem === '' ? `taken, ${onnx.locations.size} locations` : `refused ${problem}`;
}
