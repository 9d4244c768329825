/** What `autocannon-loop.ts` uses of autocannon 9, which brings no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  interface AutocannonClient extends EventEmitter {
    /** Asked for each request that it sends. */
    getRequestBuffer: () => Uint8Array;
    /** Collects an answer's body; as it comes, as text. */
    readonly pipelinedRequests: { addBody: (data: Buffer) => void };
  }

  interface AutocannonOptions {
    readonly url: string;
    readonly connections: number;
    /** s */
    readonly duration: number;
    /** s */
    readonly timeout: number;
    /** ms */
    readonly sampleInt: number;
    readonly setupClient: (client: AutocannonClient) => void;
  }

  type Run = PromiseLike<unknown> & { stop(): void };
  function autocannon(options: AutocannonOptions): Run;
  export = autocannon;
}
