// Small parts that all pages use.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Failure } from "../api";
import { ago, clock, duration, now, short } from "../format";
import type { Job, State } from "../types";
import { Icon } from "./icons";

const WORDS: Record<string, string> = {
  waiting: "Waiting", running: "Running", held: "Waits for approval", paused: "Paused", rolling_back: "Rolling back", succeeded: "Succeeded", failed: "Failed",
  stopped: "Stopped", healthy: "Healthy", progressing: "Progressing", out_of_sync: "Out of sync",
  degraded: "Degraded", unreachable: "Unreachable", skipped: "Skipped", none: "Nothing serves",
  done: "Delivered", dead: "Given up", void: "Dropped", job: "Deployed", already: "Already deployed",
  nothing: "Nothing to deploy", looking: "Being looked at", open: "Open", removed: "Removed", closed: "Closed",
  reached: "Reached", away: "Not reached", called: "Called", uncalled: "Never called",
  well: "Well", inconclusive: "No value",
};

const ICONS: Record<string, string> = {
  held: "waiting",
  done: "succeeded", dead: "failed", void: "skipped", job: "succeeded", already: "skipped", nothing: "skipped",
  looking: "running", unreachable: "degraded", none: "skipped", open: "succeeded", removed: "removal", closed: "stopped",
  reached: "succeeded", away: "degraded", finding: "warning", called: "succeeded", uncalled: "waiting",
  well: "succeeded", inconclusive: "skipped",
};

const TONES: Record<string, string> = {
  running: "blue", progressing: "blue", looking: "blue", held: "amber", paused: "amber", rolling_back: "amber", out_of_sync: "amber",
  succeeded: "green", healthy: "green", done: "green", job: "green", open: "green", reached: "green", called: "green",
  failed: "red", degraded: "red", dead: "red", unreachable: "amber", away: "red", finding: "amber", uncalled: "amber",
  well: "green", inconclusive: "amber",
};

export const word = (state: string) => WORDS[state] ?? state;
export const tone = (state: string) => TONES[state] ?? "grey";

/** A state by sign and word. */
export function Badge({ state, large = false, text }: { state: string; large?: boolean; text?: string }) {
  return (
    <span class={`badge ${tone(state)} ${large ? "large" : ""}`}>
      <Icon name={ICONS[state] ?? state} size={large ? 18 : 14} />{text ?? word(state)}
    </span>
  );
}

/** A time in the past, as a distance; the whole time is its title. */
export function Ago({ at }: { at: number | null | undefined }) {
  if (!at) return <span class="quiet">—</span>;
  return <time dateTime={new Date(at * 1000).toISOString()} title={clock(at)}>{ago(now.value - at)}</time>;
}

/** The time that something took, or takes until now. */
export function Took({ from, to }: { from: number | null | undefined; to: number | null | undefined }) {
  if (!from) return <span class="num quiet">—</span>;
  return <span class="num">{duration((to ?? Math.max(now.value, from)) - from)}</span>;
}

export function Commit({ id }: { id: string }) {
  return id ? <code class="commit" title={id}>{short(id)}</code> : null;
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text).catch(() => undefined);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="icon-button" onClick={copy} aria-label={label} title={label}>
      <Icon name={done ? "succeeded" : "copy"} />
    </button>
  );
}

/** A command to type, with a button that copies it. */
export function Command({ children }: { children: string }) {
  return (
    <div class="command"><code tabIndex={0} role="group" aria-label="Command"><span class="prompt" aria-hidden="true">$ </span>{children}</code>
      <Copy text={children} label="Copy the command" /></div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><h2>{title}</h2>{children}</div>;
}

export function Problem({ failure, again }: { failure: Failure; again?: () => void }) {
  return (
    <div class="card problem" role="alert">
      <p class="problem-title"><Icon name="degraded" />{failure.message}</p>
      {failure.fixes.map((fix) => <p class="quiet" key={fix}>{fix}</p>)}
      {again && <button type="button" onClick={again}>Try again</button>}
    </div>
  );
}

export function Skeleton({ rows = 4 }: { rows?: number }) {
  return <div class="skeleton" role="status" aria-label="Loading">{Array.from({ length: rows }, (_, row) => <i key={row} />)}</div>;
}

export function More({ busy, load }: { busy: boolean; load: () => void }) {
  return <p class="more"><button type="button" disabled={busy} onClick={load}>{busy ? "Loading …" : "Show older"}</button></p>;
}

/** A question before a change. It keeps the keyboard, and Escape leaves it. */
export function Dialog(
  { title, children, onClose }: { title: string; children: ComponentChildren; onClose: () => void },
) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} aria-labelledby={id} onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClick={(event) => { if (event.target === ref.current) onClose(); }}>
      <div class="dialog-body"><h2 id={id}>{title}</h2>{children}</div>
    </dialog>
  );
}

/** What a job deploys, in one line. */
export function subject(job: Job): string {
  if (job.rollback_of) return "Rollback to an earlier release";
  if (job.contract_of) return "Contraction of the data";
  if (job.removal) return job.removal.data ? "Removal of the app with its data" : "Removal of the app";
  return job.labels["windlass.summary"] || job.source?.revision || job.source?.branch || "Commit";
}

/** The state of a job as people see it: one whose release is paused is not said to run. */
export const shownState = (job: Job) => (job.state === "running" && job.paused ? "paused" : job.state);

export const isOver = (state: State) => state === "succeeded" || state === "failed" || state === "stopped";
