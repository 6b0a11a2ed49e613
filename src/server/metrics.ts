/** What a watcher does, counted, in the text format of Prometheus. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { InstanceCount } from '../model/instance-count.ts';
import type { Clock, Metrics, OwnClaim } from '../ports.ts';

/** {@link Metrics} that can be read. */
export interface ReadableMetrics extends Metrics {
  readonly contentType: string;
  /** All of them, in Prometheus's text format 0.0.4. */
  text(): Promise<string>;
}

// Each value of a label is a time series, and whoever may tag an instance can make up any number.
const maxServices = 100;
const maxOutputs = 200;
const otherLabel = '(other)';
const labelLengthMax = 63;

const ownClaims: readonly OwnClaim[] = ['none', 'asking', 'held', 'lost'];

/** Makes metrics in a registry of their own. Before the first answer there is no age of one. */
export function createMetrics(clock: Pick<Clock, 'wallMs'>): ReadableMetrics {
  const registry = new Registry();
  let takenAtMs: number | undefined;
  const { lastSuccess, instances, guard, claim } = createGauges(registry, () =>
    takenAtMs === undefined ? undefined : (clock.wallMs() - takenAtMs) / 1000,
  );
  const { requests, throttled, renders } = createCounters(registry);
  const outputs = new Set<string>();
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    answered(answer) {
      takenAtMs = answer.takenAtMs;
      lastSuccess.set(takenAtMs / 1000);
      instances.reset();
      for (const { service, state, count } of withinBounds(answer.counts)) {
        instances.inc({ service, state }, count);
      }
    },
    requested(action, result) {
      requests.inc({ action: toLabel(action), result });
      if (result === 'throttled') throttled.inc();
    },
    guardHeld(held) {
      guard.set(held ? 1 : 0);
    },
    rendered(name, result) {
      const output = outputs.has(name) || outputs.size < maxOutputs ? name : otherLabel;
      outputs.add(output);
      renders.inc({ output: toLabel(output), result });
    },
    claimed(state) {
      for (const each of ownClaims) claim.set({ state: each }, each === state ? 1 : 0);
    },
  };
}

function createGauges(registry: Registry, age: () => number | undefined) {
  const registers = [registry];
  const lastSuccess = new Gauge({
    name: 'nametag_last_success_timestamp_seconds',
    help: 'When EC2 gave the answer in use, in seconds since 1970.',
    registers,
  });
  const snapshotAge = new Gauge({
    name: 'nametag_snapshot_age_seconds',
    help: 'How old the answer in use is.',
    registers,
    collect() {
      const seconds = age();
      if (seconds !== undefined) this.set(seconds);
    },
  });
  // A gauge begins at 0, which would look like an answer of 1970, and like a young one.
  lastSuccess.remove();
  snapshotAge.remove();
  const instances = new Gauge({
    name: 'nametag_instances',
    help: 'Instances that offer a service, by state; service "" is all that are known.',
    labelNames: ['service', 'state'],
    registers,
  });
  const guard = new Gauge({
    name: 'nametag_guard_held',
    help: 'Whether something is kept that is missing from the answer of EC2.',
    registers,
  });
  const claim = new Gauge({
    name: 'nametag_claim_state',
    help: 'What this instance says of its name; the state it is in is 1.',
    labelNames: ['state'],
    registers,
  });
  return { lastSuccess, instances, guard, claim };
}

function createCounters(registry: Registry) {
  const registers = [registry];
  const requests = new Counter({
    name: 'nametag_api_requests_total',
    help: 'Requests to EC2, other attempts too, by action and how they ended.',
    labelNames: ['action', 'result'],
    registers,
  });
  const throttled = new Counter({
    name: 'nametag_throttled_total',
    help: 'Requests that EC2 throttled, other attempts too.',
    registers,
  });
  const renders = new Counter({
    name: 'nametag_render_total',
    help: 'What became of each output at each refresh.',
    labelNames: ['output', 'result'],
    registers,
  });
  return { requests, throttled, renders };
}

/** Puts the services that are too many under one label; those with the first names keep theirs. */
function withinBounds(counts: readonly InstanceCount[]): readonly InstanceCount[] {
  const services = [...new Set(counts.map(({ service }) => service))].sort();
  const kept = new Set(services.slice(0, maxServices));
  return counts.map(({ service, state, count }) => ({
    service: kept.has(service) ? toLabel(service) : otherLabel,
    state: toLabel(state),
    count,
  }));
}

/** Text from a tag: short, and one line whatever reads it. Quotes are escaped by the format. */
function toLabel(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '?').slice(0, labelLengthMax);
}
