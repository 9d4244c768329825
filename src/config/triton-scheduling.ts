/** How Triton batches, places and versions a model, as Headgate's settings. */
import type { Settings, TritonFields } from './triton-fields.ts';

/** Returns notes on what is honoured in another sense than Triton's. */
export function readBatching(fields: TritonFields, settings: Settings): string[] {
  const batching = fields.message('dynamic_batching');
  if (batching === undefined) return [];
  const preferred = batching.integers('preferred_batch_size');
  if (preferred.length > 0) {
    const origin = batching.origin('preferred_batch_size');
    settings.set('batching.preferredBatchSizes', { value: preferred, origin });
  }
  const delayUs = batching.integer('max_queue_delay_microseconds');
  if (delayUs !== undefined) {
    const origin = batching.origin('max_queue_delay_microseconds');
    settings.set('batching.maxQueueDelayMs', { value: delayUs / 1000, origin });
  }
  // 0 means no levels in Triton.
  const levels = batching.integer('priority_levels') ?? 0;
  if (levels > 0)
    settings.set('priorityLevels', { value: levels, origin: batching.origin('priority_levels') });
  if (batching.flag('preserve_ordering') === false) batching.accept('preserve_ordering');
  return readQueuePolicy(batching, settings);
}

function readQueuePolicy(batching: TritonFields, settings: Settings): string[] {
  const policy = batching.message('default_queue_policy');
  if (policy === undefined) return [];
  const notes: string[] = [];
  const path = 'dynamic_batching.default_queue_policy';
  const size = policy.integer('max_queue_size') ?? 0;
  if (size > 0) {
    settings.set('batching.maxQueueRows', { value: size, origin: policy.origin('max_queue_size') });
    notes.push(`${path}.max_queue_size (counted in rows, not requests)`);
  }
  const timeoutUs = policy.integer('default_timeout_microseconds') ?? 0;
  if (timeoutUs > 0) {
    const value = Math.ceil(timeoutUs / 1000);
    const origin = policy.origin('default_timeout_microseconds');
    settings.set('timeoutMs', { value, origin });
    if (value > 60_000) settings.set('maxTimeoutMs', { value, origin });
    notes.push(`${path}.default_timeout_microseconds (a deadline for queue and run together)`);
  }
  policy.accept('allow_timeout_override');
  if (policy.text('timeout_action') === 'DELAY') notes.push(`${path}.timeout_action DELAY`);
  return notes;
}

interface InstanceGroup {
  readonly kind: 'cpu' | 'cuda' | 'tensorrt';
  readonly count: number;
  readonly intraOpThreads: number;
  readonly devices?: readonly number[];
}

export function readInstances(fields: TritonFields, settings: Settings): void {
  const threads = readThreads(fields);
  const gpu = readAccelerator(fields);
  const groups = fields.messages('instance_group').map(group => readGroup(group, gpu, threads ?? 1));
  if (groups.length > 0)
    settings.set('instances', { value: groups, origin: fields.origin('instance_group') });
  else if (threads !== undefined) {
    const value = [{ kind: 'cpu', count: 1, intraOpThreads: threads }];
    settings.set('instances', { value, origin: fields.origin('parameters') });
  }
}

function readGroup(group: TritonFields, gpu: 'cuda' | 'tensorrt', intraOpThreads: number): InstanceGroup {
  group.accept('name');
  const count = Math.max(1, group.integer('count') ?? 1);
  const devices = group.integers('gpus');
  const kind = group.text('kind') ?? 'KIND_AUTO';
  const onGpu = kind === 'KIND_GPU' || (kind === 'KIND_AUTO' && devices.length > 0);
  if (!onGpu && kind !== 'KIND_CPU' && kind !== 'KIND_AUTO') {
    throw group.refuse('kind', `expected KIND_CPU, KIND_GPU or KIND_AUTO, found ${kind}`);
  }
  if (!onGpu) return { kind: 'cpu', count, intraOpThreads };
  return { kind: gpu, count, intraOpThreads, ...(devices.length > 0 ? { devices } : {}) };
}

function readThreads(fields: TritonFields): number | undefined {
  const parameter = fields.entries('parameters').find(({ key }) => key === 'intra_op_thread_count');
  const threads = Number(parameter?.fields.text('string_value') ?? 0);
  return Number.isInteger(threads) && threads > 0 ? threads : undefined;
}

function readAccelerator(fields: TritonFields): 'cuda' | 'tensorrt' {
  const accelerators = fields.message('optimization')?.message('execution_accelerators');
  const named = accelerators
    ?.messages('gpu_execution_accelerator')
    .map(accelerator => accelerator.text('name'));
  return named?.includes('tensorrt') === true ? 'tensorrt' : 'cuda';
}

export function readVersions(fields: TritonFields, settings: Settings): void {
  const policy = fields.message('version_policy');
  if (policy === undefined) return;
  const origin = fields.origin('version_policy');
  const specific = policy.message('specific')?.integers('versions');
  const latest = policy.message('latest')?.integer('num_versions');
  if (specific !== undefined && specific.length > 0) settings.set('versions', { value: specific, origin });
  else if (policy.has('all')) settings.set('versions', { value: 'all', origin });
  else if (latest !== undefined) settings.set('versions', { value: { latest: Math.max(1, latest) }, origin });
  policy.accept('all');
}
