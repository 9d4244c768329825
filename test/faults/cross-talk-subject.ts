/** A gateway of identity models, one for each way in which requests share something, and the questions put to them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Address } from '../../src/load/connection.ts';
import { type Headgate, startHeadgate } from '../support/headgate.ts';
import { identity, slow, writeRepository } from '../support/onnx.ts';
import type { Questions } from './cross-talk-asker.ts';
import { type Kind, NONCES, Question } from './cross-talk-question.ts';

const WIDTH = 4;
/** 16 KiB a row: several are more than is read at once, and large enough for memory that is used again. */
const WIDE = 4096;
const MOST_ROWS = 8;
/** Of the loop in the model that takes some time: a millisecond. */
const TURNS = 1000;
const TIMEOUT = 'timeoutMs: 10000\n';

/** Each way of sharing is a model of its own. */
const CONFIGS = {
  batched: 'coalesce: false\n',
  padded: 'coalesce: false\nmaxBatchSize: 32\nbatching: { allowedBatchSizes: [8, 32] }\n',
  joined: 'coalesce: true\n',
  cached: 'cache: { enabled: true }\n',
  whole: 'cache: { enabled: true, rowLevel: false }\n',
  alone: 'coalesce: false\nisolation: dedicated\ninstances: [{ count: 1 }, { count: 1 }]\nhedge: true\n',
  wide: 'coalesce: false\n',
} as const;

type Model = keyof typeof CONFIGS;

const MODELS = Object.keys(CONFIGS) as Model[];

/**
 * Of how many different rows those are drawn whose answers may be used again; others have nonces of their own. Those of
 * `cached`, which are kept one by one, are drawn one by one; others follow the first.
 */
const DRAWN: Partial<Record<Model, number>> = { joined: 64, cached: 512, whole: 64 };

/** One after the other, so that several are under way at once and memory is used again while others look at it. */
const WIDE_BURST = 48;
/** Requests from one burst to the next. */
const WIDE_EVERY = 3072;

/** Of each model, of 1000 requests that are in no burst. */
const SHARES: Record<Model, number> = {
  batched: 350,
  padded: 150,
  joined: 100,
  cached: 150,
  whole: 100,
  alone: 150,
  wide: 0,
};

export interface CrossTalkSubject extends AsyncDisposable {
  readonly headgate: Headgate;
  readonly address: Address;
  /** The models' folder. */
  readonly repository: string;
}

export async function startCrossTalkSubject(
  env: Readonly<Record<string, string>> = {},
): Promise<CrossTalkSubject> {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-cross-talk-'));
  const models = Object.entries(CONFIGS).map(([name, config]) => {
    return [name, { versions: { 1: modelOf(name) }, config: config + TIMEOUT }] as const;
  });
  await writeRepository(folder, Object.fromEntries(models));
  const headgate = await startHeadgate({ repository: folder, env });
  const { hostname: host, port } = new URL(headgate.url);
  return {
    headgate,
    repository: folder,
    address: { host, port: Number(port) },
    async [Symbol.asyncDispose]() {
      await headgate[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The one with workers of its own takes some time: what is done to a run must be done while it runs. */
function modelOf(name: string): Uint8Array {
  return name === 'alone' ? slow(TURNS, WIDTH) : identity({ shape: [-1, name === 'wide' ? WIDE : WIDTH] });
}

/** The kinds of one model's questions, and of how many different rows theirs are drawn. */
interface Choice {
  readonly kinds: readonly Kind[];
  readonly drawn: number | undefined;
}

/** All kinds of questions, each as often as its model's share says, of 1 to 8 rows, half of them JSON. */
export class MixedQuestions implements Questions {
  readonly kinds: readonly Kind[];
  /** A choice stands in it as often as it is to be made. */
  readonly #choices: readonly Choice[];
  readonly #free: ReadonlyMap<Kind, Question[]>;
  readonly #random: () => number;
  readonly #wide: Choice;
  #asked = 0;

  constructor(random: () => number) {
    this.#random = random;
    const choices = MODELS.map(model => ({
      kinds: kindsOf(model),
      drawn: DRAWN[model],
      share: SHARES[model],
    }));
    this.#choices = choices.flatMap(choice => Array<Choice>(choice.share).fill(choice));
    this.#wide = choices[MODELS.indexOf('wide')] as Choice;
    this.kinds = choices.flatMap(({ kinds }) => kinds);
    this.#free = new Map(this.kinds.map(kind => [kind, []]));
  }

  next(asker: number, sequence: number): Question {
    const random = this.#random;
    const isWide = this.#asked++ % WIDE_EVERY < WIDE_BURST;
    const other = this.#choices[Math.floor(random() * this.#choices.length)] as Choice;
    const { kinds, drawn } = isWide ? this.#wide : other;
    const kind = kinds[Math.floor(random() * kinds.length)] as Kind;
    const question = this.#free.get(kind)?.pop() ?? new Question(kind);
    const nonce = sequence % NONCES;
    question.name(asker, nonce);
    const first = Math.floor(random() * (drawn ?? 0));
    for (let row = 0; row < kind.rows; row++) {
      if (drawn === undefined) question.setRow(row, asker, nonce, row);
      // The same wherever it stands: kept for one request, it answers another.
      else
        question.setRow(
          row,
          NONCES - 1,
          kind.model === 'cached' ? Math.floor(random() * drawn) : first + row,
          0,
        );
    }
    return question;
  }

  giveBack(question: Question): void {
    this.#free.get(question.kind)?.push(question);
  }
}

function kindsOf(model: Model): Kind[] {
  const width = model === 'wide' ? WIDE : WIDTH;
  const rows = Array.from({ length: MOST_ROWS }, (_, i) => i + 1);
  return (['json', 'binary'] as const).flatMap(encoding =>
    rows.map(count => ({ model, rows: count, encoding, width })),
  );
}
