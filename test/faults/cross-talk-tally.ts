/** What became of the questions, and whether they met what was to be met: batches of several, kept answers. */
import type { Kind, Question, Verdict } from './cross-talk-question.ts';
import { headerOf, type NonceReply } from './nonce-replies.ts';

/** Every so manieth answer is looked at for how it came to be. */
const LOOKED_AT = 16;
const MAX_TOLD = 10;

export class CrossTalkTally {
  own = 0;
  refused = 0;
  failed = 0;
  foreign = 0;
  /** Their connection ended under them, and their client had not left. */
  lost = 0;
  /** Requests whose client left before the answer came. */
  left = 0;
  looked = 0;
  /** Of those that were looked at. */
  shared = 0;
  kept = 0;
  /** What the first foreign and failed ones were. */
  readonly told: string[] = [];
  /** Own answers of each kind of question. */
  readonly byKind = new Map<Kind, number>();
  #count = 0;

  answer(question: Question, reply: NonceReply): void {
    this.#count++;
    if (this.#count % LOOKED_AT === 0 && reply.status === 200) this.#look(question, reply);
    const verdict = question.judge(reply);
    const { kind } = question;
    if (verdict.kind === 'own') this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1);
    this.tell(verdict, question);
  }

  tell(verdict: Verdict, question?: Question): void {
    this[verdict.kind]++;
    if ('said' in verdict && this.told.length < MAX_TOLD)
      this.told.push(`${verdict.kind} ${JSON.stringify(question?.kind ?? {})}: ${verdict.said}`);
  }

  #look({ kind }: Question, { head }: NonceReply): void {
    this.looked++;
    const rows = Number(/batch;desc="(\d+)"/.exec(head)?.[1] ?? 0);
    if (rows > kind.rows) this.shared++;
    if (headerOf(head, 'headgate-cache') === 'hit') this.kept++;
  }
}
