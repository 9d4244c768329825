import type { Server } from './server.ts';

export interface PaddingCounts {
  readonly inferences: number;
  readonly executions: number;
  readonly elements: number;
  readonly paddingElements: number;
}

/** What the gateway has counted of one model, as its metrics say. */
export async function readPaddingCounts(server: Server, model: string): Promise<PaddingCounts> {
  const lines = (await (await fetch(`${server.adminUrl}/metrics`)).text()).split('\n');
  const count = (name: string): number =>
    lines
      .filter(line => line.startsWith(`headgate_${name}_total{`) && line.includes(`model="${model}"`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  return {
    inferences: count('inferences'),
    executions: count('executions'),
    elements: count('elements'),
    paddingElements: count('padding_elements'),
  };
}
