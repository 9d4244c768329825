/** P12: what a second instance gains, and what idle models cost. */
import { measureInstances } from './p12-instances.ts';
import { measureManyModels } from './p12-many-models.ts';
import type { Row } from './row.ts';

export const p12: Row = {
  id: 'P12',
  title: 'scale: 2 instances ÷ 1 over raw ORT’s own gain; 10 and 100 models loaded ÷ 1',
  budgetSeconds: 210,
  run: async bench => [...(await measureInstances(bench)), ...(await measureManyModels(bench))],
};
