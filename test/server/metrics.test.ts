import { expect, it } from 'vitest';
import type { InstanceCount } from '../../src/model/instance-count.ts';
import { createMetrics, type ReadableMetrics } from '../../src/server/metrics.ts';

const clock = { wallMs: () => 1_700_000_042_500 };
const takenAtMs = 1_700_000_000_000;

/** The samples, without help and types, in their order. */
async function samples(metrics: ReadableMetrics): Promise<readonly string[]> {
  const lines = (await metrics.text()).split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

it('has no age and no success before the first answer, but counters at nothing', async () => {
  const metrics = createMetrics(clock);
  expect(await samples(metrics)).toEqual(['nametag_guard_held 0', 'nametag_throttled_total 0']);
  expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
});

it('counts what a watcher does', async () => {
  const metrics = createMetrics(clock);
  metrics.answered({ takenAtMs, counts: [{ service: 'gone', state: 'ready', count: 9 }] });
  metrics.answered({
    takenAtMs,
    counts: [
      { service: '', state: 'running', count: 12 },
      { service: 'web', state: 'ready', count: 3 },
    ],
  });
  metrics.requested('DescribeInstances', 'ok');
  metrics.requested('DescribeInstances', 'ok');
  metrics.requested('DescribeInstances', 'throttled');
  metrics.guardHeld(true);
  metrics.rendered('/etc/hosts', 'written');
  metrics.rendered('/etc/hosts', 'unchanged');
  metrics.claimed('asking');
  metrics.claimed('held');
  expect(await samples(metrics)).toEqual([
    'nametag_last_success_timestamp_seconds 1700000000',
    'nametag_snapshot_age_seconds 42.5',
    'nametag_instances{service="",state="running"} 12',
    'nametag_instances{service="web",state="ready"} 3',
    'nametag_guard_held 1',
    'nametag_claim_state{state="none"} 0',
    'nametag_claim_state{state="asking"} 0',
    'nametag_claim_state{state="held"} 1',
    'nametag_claim_state{state="lost"} 0',
    'nametag_api_requests_total{action="DescribeInstances",result="ok"} 2',
    'nametag_api_requests_total{action="DescribeInstances",result="throttled"} 1',
    'nametag_throttled_total 1',
    'nametag_render_total{output="/etc/hosts",result="written"} 1',
    'nametag_render_total{output="/etc/hosts",result="unchanged"} 1',
  ]);
});

it('is not the default registry of its library, nor another one', async () => {
  createMetrics(clock).guardHeld(true);
  expect(await samples(createMetrics(clock))).toContain('nametag_guard_held 0');
});

it('puts services past the hundredth together, and keeps every instance', async () => {
  const metrics = createMetrics(clock);
  const counts = Array.from({ length: 5000 }, (_, i): InstanceCount => {
    return { service: `s${String(i).padStart(4, '0')}`, state: 'ready', count: 1 };
  });
  metrics.answered({ takenAtMs, counts });
  const lines = (await samples(metrics)).filter((line) => line.startsWith('nametag_instances{'));
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toBe('nametag_instances{service="(other)",state="ready"} 4900');
  for (let i = 0; i < 1000; i += 1) metrics.rendered(`/etc/${i}`, 'written');
  const renders = (await samples(metrics)).filter((line) => line.startsWith('nametag_render_tot'));
  expect(renders).toHaveLength(201);
});

it('lets no value of a tag break a line or the quotes around it', async () => {
  const metrics = createMetrics(clock);
  const service = 'a"} 1\nevil{x="\\\u2028\u202e\u0000';
  metrics.answered({ takenAtMs, counts: [{ service, state: 'ready', count: 1 }] });
  const [line] = (await samples(metrics)).filter((each) => each.includes('evil'));
  expect(line).toBe('nametag_instances{service="a\\"} 1?evil{x=\\"\\\\???",state="ready"} 1');
});
