// Where a release stands whose new version gets its requests beside the old one: shares, holds, measurements.

import type { Event, Measured, Share, Shifted, Strategy } from "../types";
import type { Step, StepState } from "./fold";

/** Measurements of one metric that are kept: the last ones. */
const MOST = 8;

/** Metrics that are kept. A release has at most 20 in each of its clusters. */
const MOST_METRICS = 200;

export interface Measurement extends Measured { seq: number; at: number }

export interface TrafficView {
  strategy: Strategy | null;
  /** The last share of the requests, by cluster. */
  shifted: Map<string, Shifted>;
  /** End of the hold that lasts. */
  holding: number | null;
  /** Measurements by cluster and metric, the last one first. */
  measured: Map<string, Measurement[]>;
  /** Ends of the times for which the version before is kept, by cluster. */
  kept: Map<string, number>;
  /** The last pause or end of one, with the number of its event. */
  pause: string;
  /** The last gate before a larger share. `weight` is that share. */
  gate: { digest: string; weight: number } | null;
}

export const still = (): TrafficView => ({
  strategy: null, shifted: new Map(), holding: null, measured: new Map(), kept: new Map(), pause: "", gate: null,
});

/** Returns the share that the last step that began is of, else the next one. `undefined` means that all are made. */
export function shareNow(strategy: Strategy, forward: Step[]): Share | undefined {
  const begun = forward.reduce((last, step, index) => (step.from === null ? last : index), 0);
  return strategy.shares.find((share) => begun < share.to);
}

/** Returns the state of some steps of a plan as that of one. `isOver` means that no further step forward is taken. */
export function stateOf(steps: Step[], isOver: boolean): StepState {
  const has = (state: StepState) => steps.some((step) => step.state === state);
  if (steps.every((step) => step.state === "succeeded")) return "succeeded";
  if (has("failed")) return "failed";
  if (has("stopped")) return "stopped";
  if (!has("running") && !has("succeeded")) return "waiting";
  return isOver ? "stopped" : "running";
}

/** Puts one event into the view. `forward` has the steps of the plan, with this event in them. */
export function takeTraffic(view: TrafficView, event: Event, forward: Step[]): void {
  const { kind, seq } = event;
  if (event.planned) view.strategy = event.strategy ?? null;
  if (event.traffic_shifted) view.shifted.set(event.traffic_shifted.cluster, event.traffic_shifted);
  if (event.holding) view.holding = event.holding.until;
  if (event.step || event.rolling_back || event.ended) view.holding = null;
  if (event.kept?.until) view.kept.set(event.kept.cluster, event.kept.until);
  if (kind === "paused" || kind === "resumed") view.pause = `${kind} ${seq}`;
  if (event.held?.gate === "traffic" && view.strategy) {
    view.gate = { digest: event.held.digest, weight: shareNow(view.strategy, forward)?.weight ?? 100 };
  }
  if (event.measured) {
    const key = `${event.measured.cluster} ${event.measured.metric}`;
    const before = view.measured.get(key);
    if (!before && view.measured.size >= MOST_METRICS) return;
    view.measured.set(key, [{ ...event.measured, seq, at: event.at }, ...(before ?? [])].slice(0, MOST));
  }
}
