/** What came is no answer that can be read: its connection is of no more use. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}
