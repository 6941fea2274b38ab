// The log as groups of lines: a group for each stage, and one for each step or command within it.

import type { Event, Stage } from "../types";
import { PLAIN, type Style, collapsed, runs } from "./ansi";

export type Kind = "line" | "note" | "warning" | "error" | "good";

export interface Line {
  /** Number of the event. */
  seq: number;
  at: number;
  text: string;
  kind: Kind;
  /** The first line of its event: others share its number. */
  first: boolean;
  start: Style;
}

export type GroupState = "open" | "running" | "succeeded" | "failed" | "skipped";

export interface Group {
  key: string;
  stage: Stage | "";
  title: string;
  /** 0 for a stage, 1 for a step within it. */
  depth: 0 | 1;
  lines: Line[];
  state: GroupState;
  from: number;
  to: number | null;
  cached: boolean;
  /** Groups within it. */
  steps: number;
  /** Set by the reader. `undefined` means that the state decides. */
  folded: boolean | undefined;
}

const NAMES: Record<string, string> = {
  "": "Job", clone: "Clone", detect: "Detect", build: "Build", test: "Test", push: "Push", release: "Release", hooks: "Hooks",
};

export const stageName = (stage: string) => NAMES[stage] ?? stage;

const KINDS: Record<string, Kind> = {
  warning: "warning", held: "warning", paused: "warning", retrying: "warning", rolling_back: "warning", serving: "good",
};

function kindOf(event: Event): Kind {
  if (event.build_step) return event.build_step.error ? "error" : "note";
  const outcome = event.ended?.outcome;
  if (outcome) return outcome === "failed" ? "error" : outcome === "succeeded" ? "good" : "warning";
  if (event.tested) return event.tested.failed ? "error" : "good";
  if (event.measured && event.measured.result !== "well") return event.measured.result === "failed" ? "error" : "warning";
  return KINDS[event.kind] ?? "note";
}

export class Log {
  groups: Group[] = [];
  /** Lines in all groups. */
  count = 0;
  private byKey = new Map<string, Group>();
  private styles = new Map<string, Style>();
  private folds = new Map<string, boolean>();

  private group(stage: Stage | "", step: string, at: number): Group {
    const key = step ? `${stage}\u0000${step}` : stage;
    const known = this.byKey.get(key);
    if (known) return known;
    if (step) this.group(stage, "", at).steps++;
    const group: Group = {
      key, stage, title: step || stageName(stage), depth: step ? 1 : 0, lines: [], state: step ? "running" : "open",
      from: at, to: null, cached: false, steps: 0, folded: this.folds.get(key),
    };
    this.byKey.set(key, group);
    // Steps of one stage that run at once stay beside their stage.
    let place = this.groups.length;
    if (step) {
      while (place > 0 && this.groups[place - 1]?.stage !== stage) place--;
    }
    this.groups.splice(place, 0, group);
    return group;
  }

  /** Takes over what the reader folded in another log of the same job. */
  keep(other: Log): void {
    this.folds = other.folds;
  }

  fold(group: Group, folded: boolean): void {
    group.folded = folded;
    this.folds.set(group.key, folded);
  }

  private push(group: Group, event: Event, text: string, kind: Kind): void {
    let start = PLAIN;
    const shown = text.includes("\r") ? collapsed(text) : text;
    if (kind === "line") {
      start = this.styles.get(group.key) ?? PLAIN;
      if (shown.includes("\u001b")) this.styles.set(group.key, runs(shown, start).end);
    }
    const isFirst = group.lines.at(-1)?.seq !== event.seq;
    group.lines.push({ seq: event.seq, at: event.at, text: shown, kind, first: isFirst, start });
    this.count++;
  }

  add(event: Event): void {
    const { stage, kind, at } = event;
    if (event.log) {
      // Outside of the build, a source names who prints: the stage's own lines stay in one group.
      const group = this.group(stage, event.log.source, at);
      this.push(group, event, event.log.line, "line");
      return;
    }
    if (kind === "plugin_called" || kind === "claimed" || kind === "finished" || kind === "started" || kind === "skipped") {
      this.change(event);
      if (kind !== "skipped") return;
    }
    if (event.build_step) {
      const { name, cached, error } = event.build_step;
      const group = this.group(stage, name, at);
      group.state = error ? "failed" : "succeeded";
      group.cached = cached;
      group.to = at;
      if (!group.lines.length) group.from = at - event.build_step.ms / 1000;
      if (error) this.push(group, event, error, "error");
      return;
    }
    if (kind === "rollout" || (event.step?.done)) return;
    const group = this.group(kind === "ended" ? "" : stage, "", at);
    const kindOfLine = kindOf(event);
    for (const text of event.sentence.split("\n")) this.push(group, event, text, kindOfLine);
    if (kind === "ended") this.end(event);
  }

  private change({ stage, kind, at }: Event): void {
    if (!stage || kind === "plugin_called" || kind === "claimed") return;
    const group = this.group(stage, "", at);
    if (kind === "started") {
      // A run that was taken up again begins its stage again.
      group.state = "running";
      group.from = at;
      group.to = null;
    } else {
      group.state = kind === "skipped" ? "skipped" : "succeeded";
      group.to = at;
      // Commands beyond the build have no end of their own.
      for (const step of this.groups) {
        if (step.stage === stage && step.depth === 1 && step.state === "running") [step.state, step.to] = ["succeeded", at];
      }
    }
  }

  private end(event: Event): void {
    const failed = event.ended?.outcome === "failed" ? event.ended.diagnosis?.stage : "";
    for (const group of this.groups) {
      if (!group.stage) group.state = event.ended?.outcome === "succeeded" ? "succeeded" : failed ? "failed" : "open";
      if (group.state !== "running") continue;
      group.state = failed && (group.stage === failed || group.depth === 0) ? "failed" : "open";
      group.to = event.at;
    }
  }
}

/** Returns whether a group's lines are hidden: those that went well are, unless the reader wants them. */
export function isFolded(group: Group): boolean {
  if (group.steps) return group.folded ?? false;
  if (!group.lines.length) return true;
  return group.folded ?? (group.stage !== "" && (group.state === "succeeded" || group.state === "skipped"));
}
