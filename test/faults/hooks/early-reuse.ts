/** Control, imported into a gateway's process: memory of large replies is used again while it is still looked at. */
import { ReplyBuffers } from '../../../src/pool/reply-buffers.ts';

const { take } = ReplyBuffers.prototype;

ReplyBuffers.prototype.take = function (bytes) {
  const lease = take.call(this, bytes);
  this.give(Buffer.from(lease.bytes.buffer));
  return lease;
};
