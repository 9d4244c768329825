/** What a heap of deadlines keeps on its members; −1: not in the heap. */
export interface HasDeadline {
  readonly deadline: number;
  heapIndex: number;
}

/**
 * A binary heap, earliest deadline first, whose members know their place, so that one that is answered leaves at
 * once and nothing stale keeps its tensors alive. With equal timeouts, deadlines arrive in order and adding is O(1).
 */
export class DeadlineHeap<Member extends HasDeadline> {
  readonly #members: Member[] = [];

  get earliest(): Member | undefined {
    return this.#members[0];
  }

  get size(): number {
    return this.#members.length;
  }

  add(member: Member): void {
    this.#members.push(member);
    this.#rise(member, this.#members.length - 1);
  }

  /** No-op for one that is not in the heap. */
  remove(member: Member): void {
    const index = member.heapIndex;
    if (index === -1) return;
    member.heapIndex = -1;
    const last = this.#members.pop() as Member;
    if (last === member) return;
    this.#rise(last, index);
    this.#sink(last, last.heapIndex);
  }

  /** Empties it; in no order. */
  drain(): readonly Member[] {
    const members = this.#members.splice(0);
    for (const member of members) member.heapIndex = -1;
    return members;
  }

  #rise(member: Member, from: number): void {
    let index = from;
    while (index > 0) {
      const parent = this.#members[(index - 1) >> 1] as Member;
      if (parent.deadline <= member.deadline) break;
      this.#put(parent, index);
      index = (index - 1) >> 1;
    }
    this.#put(member, index);
  }

  #sink(member: Member, from: number): void {
    const members = this.#members;
    let index = from;
    for (let child = 2 * index + 1; child < members.length; child = 2 * index + 1) {
      const left = members[child] as Member;
      const right = members[child + 1];
      const earlier = right !== undefined && right.deadline < left.deadline ? right : left;
      if (earlier.deadline >= member.deadline) break;
      index = earlier.heapIndex;
      this.#put(earlier, (index - 1) >> 1);
    }
    this.#put(member, index);
  }

  #put(member: Member, index: number): void {
    this.#members[index] = member;
    member.heapIndex = index;
  }
}
