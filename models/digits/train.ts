/**
 * `npm run train:digits`: trains both versions from the package's digits, writes their models, the held-out digits,
 * the README's first request and, as ONNX Runtime answers, each version's accuracy. Same files on every run.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { encodeLayers } from '../../test/support/onnx.ts';
import { OnnxSession } from '../../test/support/onnx-session.ts';
import { shuffled, uniform } from '../../test/support/random.ts';
import { readDataset } from './dataset.ts';
import { type Digits, digitsOf, imagesOf, PIXELS, writeHeldOut } from './heldout.ts';
import { Network } from './network.ts';

interface Recipe {
  readonly dims: readonly number[];
  readonly epochs: number;
  readonly rate: number;
  readonly weightDecay: number;
  /** Moves each digit by up to a pixel each way, anew in every epoch. */
  readonly shift: boolean;
}

/** 1: softmax regression. 2: one hidden layer, and digits that do not stand still. */
const VERSIONS: Readonly<Record<number, Recipe>> = {
  1: { dims: [PIXELS, 10], epochs: 12, rate: 0.003, weightDecay: 0, shift: false },
  2: { dims: [PIXELS, 128, 10], epochs: 40, rate: 0.002, weightDecay: 0.02, shift: true },
};
const BATCH = 64;

function train(version: number, recipe: Recipe, digits: Digits): Network {
  const network = new Network(recipe.dims, { seed: version, weightDecay: recipe.weightDecay });
  const random = uniform(100 + version);
  const image = new Float32Array(PIXELS);
  const order = Array.from({ length: digits.count }, (_, i) => i);
  for (let epoch = 0; epoch < recipe.epochs; epoch++) {
    const rate = (recipe.rate * (1 + Math.cos((Math.PI * epoch) / recipe.epochs))) / 2;
    let loss = 0;
    for (const [i, sample] of shuffled(order, version * 1000 + epoch).entries()) {
      const [right, down] = recipe.shift ? [step(random), step(random)] : [0, 0];
      draw(image, digits, sample, right, down);
      loss += network.learn(image, digits.labels[sample] as number);
      if ((i + 1) % BATCH === 0 || i + 1 === digits.count) network.step(rate, (i % BATCH) + 1);
    }
    console.log(
      `version ${version}, epoch ${epoch + 1}/${recipe.epochs}: loss ${(loss / digits.count).toFixed(4)}`,
    );
  }
  return network;
}

const step = (random: () => number): number => Math.floor(random() * 3) - 1;

/** Sample `sample` into `image`, moved; what leaves the frame is gone. */
function draw(image: Float32Array, { pixels }: Digits, sample: number, right: number, down: number): void {
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      const inside = x - right >= 0 && x - right < 28 && y - down >= 0 && y - down < 28;
      const from = sample * PIXELS + (y - down) * 28 + x - right;
      image[y * 28 + x] = inside ? (pixels[from] as number) / 255 : 0;
    }
  }
}

async function countCorrect(model: Uint8Array, digits: Digits): Promise<number> {
  await using session = new OnnxSession();
  const values = Array.from(imagesOf(digits, 0, digits.count));
  const feeds = { image: { datatype: 'FP32', shape: [digits.count, PIXELS], values } } as const;
  const { probabilities } = await session.run(model, feeds);
  const found = digitsOf((probabilities?.values ?? []) as number[]);
  return found.filter((digit, i) => digit === digits.labels[i]).length;
}

/** The first held-out 7 as an Open Inference Protocol request that asks for the three likeliest digits. */
function firstRequest(digits: Digits): string {
  const sample = digits.labels.indexOf(7);
  const data = Array.from(imagesOf(digits, sample, sample + 1), value => Number(value.toFixed(2)));
  return `${JSON.stringify({
    inputs: [{ name: 'image', datatype: 'FP32', shape: [1, PIXELS], data }],
    outputs: [{ name: 'probabilities', parameters: { classification: 3 } }],
  })}\n`;
}

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(new URL(name, import.meta.url), content);
}

const { training, heldOut } = readDataset();
const accuracy: Record<string, { correct: number; accuracy: number }> = {};
for (const [version, recipe] of Object.entries(VERSIONS)) {
  const { layers } = train(Number(version), recipe, training);
  const model = encodeLayers(layers, { input: 'image', output: 'probabilities', last: 'Softmax' });
  mkdirSync(new URL(`./${version}/`, import.meta.url), { recursive: true });
  write(`./${version}/model.onnx`, model);
  const correct = await countCorrect(model, heldOut);
  accuracy[version] = { correct, accuracy: correct / heldOut.count };
  console.log(`version ${version}: ${correct} of ${heldOut.count} held-out digits`);
}
writeHeldOut(heldOut);
write('./example.json', firstRequest(heldOut));
write('./accuracy.json', `${JSON.stringify({ heldOut: heldOut.count, versions: accuracy }, null, 2)}\n`);
