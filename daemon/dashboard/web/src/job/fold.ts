// What the events of a job say about it now.

import type { Ended, Endpoint, Event, Release, Stage } from "../types";
import { type TrafficView, still, takeTraffic } from "./traffic";

export type StepState = "waiting" | "running" | "succeeded" | "failed" | "skipped" | "stopped";

export interface StageView { state: StepState; from: number | null; to: number | null; note: string }
export interface Step { text: string; state: StepState; from: number | null; to: number | null }

export interface View {
  stages: Map<Stage, StageView>;
  summary: string;
  author: string;
  forward: Step[];
  rollback: Step[];
  /** The strategy of each process, with its reason. */
  strategies: string[];
  /** Steps forward until which the release can end for a reason: a newer job, a check, a metric. */
  ends: { switch: number | null; check: number | null; measured: number | null };
  /** The releases that the rollback leads to. */
  previous: Release[];
  /** A warning came in place of the first step of the rollback: another daemon works on the app. */
  refused: boolean;
  /** Pods by cluster. */
  rollouts: Map<string, { ready: number; desired: number }>;
  serving: Map<string, Endpoint[]>;
  warnings: { message: string; fix: string }[];
  tested: NonNullable<Event["tested"]> | null;
  retrying: NonNullable<Event["retrying"]> | null;
  pushed: NonNullable<Event["pushed"]> | null;
  /** The last gate that the job came to or passed, and the number of that event. */
  gate: string;
  traffic: TrafficView;
  rollingBack: Ended | null;
  ended: Ended | null;
}

export function fresh(): View {
  return {
    stages: new Map(), summary: "", author: "", forward: [], rollback: [], strategies: [], ends: { switch: null, check: null, measured: null }, previous: [], refused: false, rollouts: new Map(), serving: new Map(),
    warnings: [], tested: null, retrying: null, gate: "", traffic: still(), pushed: null, rollingBack: null, ended: null,
  };
}

const steps = (texts: string[]): Step[] => texts.map((text) => ({ text, state: "waiting", from: null, to: null }));

/** Puts one event into the view. */
export function take(view: View, event: Event): void {
  const { stage, kind, at } = event;
  if (kind !== "log" && kind !== "retrying") view.retrying = null;
  if (stage && (kind === "started" || kind === "finished" || kind === "skipped")) {
    const before = view.stages.get(stage);
    const from = kind === "started" ? at : before?.from ?? null;
    const state: StepState = kind === "started" ? "running" : kind === "skipped" ? "skipped" : "succeeded";
    view.stages.set(stage, { state, from, to: kind === "started" ? null : at, note: event.skipped?.reason ?? "" });
  }
  // The last gate that the job came to, or passed: its state is asked for again then.
  if (kind === "held" || kind === "approved") view.gate = `${kind} ${event.seq}`;
  if (event.cloned) [view.summary, view.author] = [event.cloned.summary, event.cloned.author];
  if (event.warning) view.warnings.push(event.warning);
  if (event.tested) view.tested = event.tested;
  if (event.retrying) view.retrying = event.retrying;
  if (event.pushed) view.pushed = event.pushed;
  if (event.planned) {
    [view.forward, view.rollback] = [steps(event.planned.forward), steps(event.planned.rollback)];
    view.strategies = event.planned.strategies ?? [];
    view.ends = { switch: event.planned.switch_step, check: event.planned.last_check_step, measured: event.planned.last_measured_step };
    view.previous = event.planned.previous ?? [];
  }
  if (event.rolling_back || (event.step?.rollback && !event.step.notify)) view.refused = false;
  else if (event.warning && view.rollingBack && view.rollback.every((step) => step.from === null)) view.refused = true;
  if (event.rollout) view.rollouts.set(event.rollout.cluster, event.rollout);
  if (event.serving) view.serving.set(event.serving.cluster, event.serving.endpoints);
  if (event.rolling_back) view.rollingBack = event.rolling_back;
  if (event.step && !event.step.notify) {
    const { index, rollback, done } = event.step;
    const step = (rollback ? view.rollback : view.forward)[index];
    if (step) {
      if (done) [step.state, step.to] = ["succeeded", at];
      else [step.state, step.from] = ["running", at];
    }
  }
  takeTraffic(view.traffic, event, view.forward);
  if (event.rolling_back || event.ended) {
    const outcome = (event.rolling_back ?? event.ended)?.outcome;
    for (const step of [...view.forward, ...view.rollback]) {
      if (step.state === "running") [step.state, step.to] = [outcome === "succeeded" ? "succeeded" : outcome === "stopped" ? "stopped" : "failed", at];
    }
  }
  if (event.ended) {
    view.ended = event.ended;
    for (const [name, one] of view.stages) {
      if (one.state !== "running") continue;
      const state: StepState = event.ended.outcome === "succeeded" ? "succeeded" : event.ended.outcome === "failed" ? "failed" : "stopped";
      view.stages.set(name, { ...one, state, to: at });
    }
    const where = event.ended.diagnosis?.stage;
    const failed = where ? view.stages.get(where) : undefined;
    if (where && failed) view.stages.set(where, { ...failed, state: "failed" });
  }
}

const isRolledBack = (view: View): boolean => view.rollingBack !== null && !view.refused;

/** Whether what ran before a job that was stopped still serves: no plan was made, or its steps were rolled back. */
export const isAsBefore = (view: View): boolean => view.forward.length === 0 || isRolledBack(view);

/**
 * The releases that serve after a job that failed or was stopped. Empty: nobody knows, since there was no plan yet, nothing
 * was rolled back, or the rollback failed too.
 */
export function servesAfter(view: View, ended: Ended): Release[] {
  return isRolledBack(view) && ended.diagnosis?.code !== "way-back-failed" ? view.previous : [];
}
