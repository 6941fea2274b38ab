// A release whose new version gets its requests beside the old one: the share now, the shares to come, what it waits for,
// and what would end it.

import type { ComponentChildren } from "preact";
import { clock, duration, now } from "../format";
import type { Job, Share, Strategy } from "../types";
import { Icon } from "../ui/icons";
import { isOver, word } from "../ui/parts";
import type { Step, StepState, View } from "./fold";
import { Measurements, tolerance } from "./measurements";
import { Interventions, Paused } from "./pause";
import { shareNow, stateOf } from "./traffic";

const NAMES: Record<Strategy["kind"], string> = {
  rolling: "Rolling", recreate: "Recreate", "blue-green": "Blue-green", canary: "Canary",
};

const MEANS: Record<Strategy["traffic"], string> = {
  replicas: "by numbers of pods", gateway: "by weights of the HTTPRoute", istio: "by weights of the VirtualService",
};

const inCluster = (cluster: string) => (cluster && cluster !== "default" ? ` in ${cluster}` : "");

/** Requests to the new version now, in each cluster. */
function Now({ strategy, view, isBack }: { strategy: Strategy; view: View; isBack: boolean }) {
  const clusters = [...new Set(strategy.shares.flatMap((share) => share.clusters))];
  return (
    <div class="shares-now">
      {clusters.map((cluster) => {
        const last = isBack ? undefined : view.traffic.shifted.get(cluster);
        const weight = last?.weight ?? 0;
        const [newer, older] = [last?.new_pods ?? null, last?.old_pods ?? null];
        return (
          <div class="pods" key={cluster}>
            <span>{inCluster(cluster) ? cluster : "Requests"}</span>
            <progress value={weight} max={100} aria-label={`Requests to the new version${inCluster(cluster)}`} />
            <span class="num">{weight} %{newer !== null && older !== null && `, ${newer} of ${newer + older} pods`}</span>
          </div>
        );
      })}
    </div>
  );
}

function conditions({ clusters, check, gate, hold_seconds }: Share, isSwitch: boolean): string {
  const hold = hold_seconds > 0 && `${isSwitch ? "after a hold of" : "held for"} ${duration(hold_seconds)}`;
  const parts = [check !== null && `after an answer at ${check}`, isSwitch && hold, gate && "after an approval", !isSwitch && hold];
  const named = clusters.filter((cluster) => cluster !== "default").join(", ");
  return `of requests${named && ` in ${named}`}${parts.filter(Boolean).map((part) => `, ${part}`).join("")}`;
}

function Item({ state, label, steps, children }: { state: StepState; label: string; steps: Step[]; children: ComponentChildren }) {
  const from = steps.find((step) => step.from !== null)?.from ?? null;
  const to = state === "running" ? Math.max(now.value, from ?? 0) : steps.at(-1)?.to ?? null;
  return (
    <li class={state} aria-current={state === "running" ? "step" : undefined}>
      <span class={`sign ${state}`}><Icon name={state === "waiting" ? "todo" : state} size={14} /></span>
      <span>{children}</span>
      <span class="quiet num">{label}{from !== null && to !== null && ` ${duration(to - from)}`}</span>
    </li>
  );
}

/** All shares in their order, and what follows them. */
function Shares({ strategy, view, isLeft }: { strategy: Strategy; view: View; isLeft: boolean }) {
  const end = strategy.shares.at(-1)?.to ?? 0;
  const parts = [...strategy.shares.map(({ from, to }) => view.forward.slice(from, to)), view.forward.slice(end)];
  const states = parts.map((steps) => stateOf(steps, isLeft));
  const next = isLeft ? -1 : states.indexOf("waiting");
  const label = (index: number) => {
    const state = states[index] ?? "waiting";
    if (state === "waiting") return isLeft ? "not reached" : index === next ? "next" : "to come";
    return state === "running" ? "now" : state === "succeeded" ? "done" : word(state).toLowerCase();
  };
  const last = strategy.shares.length;
  const keep = strategy.keep_seconds;
  return (
    <ol class="steps" aria-label="Shares of requests">
      {strategy.shares.map((share, index) => (
        <Item key={index} state={states[index] ?? "waiting"} label={label(index)} steps={parts[index] ?? []}>
          <b>{share.weight} %</b> {conditions(share, strategy.kind === "blue-green")}
        </Item>
      ))}
      <Item key="rest" state={states[last] ?? "waiting"} label={label(last)} steps={parts[last] ?? []}>
        Everything else follows, and what served before {keep ? `is kept for ${duration(keep)}` : "goes"}
      </Item>
    </ol>
  );
}

function Hold({ until, isPaused }: { until: number; isPaused: boolean }) {
  const left = Math.ceil(until - now.value);
  if (left <= 0) return <p>{isPaused ? "The hold is over once it is resumed." : "The hold ends now."}</p>;
  return <p><Icon name="waiting" size={14} /> Holds for <b class="num" role="timer">{duration(left)}</b> more, until {clock(until)}</p>;
}

/** Everything that leads back to the version before. */
function Ends({ strategy, view, share }: { strategy: Strategy; view: View; share: Share | undefined }) {
  const left = strategy.shares.filter((one) => share && one.from >= share.from);
  const step = (index: number | null) => (index === null ? undefined : view.forward[index]);
  const isLeft = (index: number | null) => ["waiting", "running"].includes(step(index)?.state ?? "");
  const checks = isLeft(view.ends.check) ? [...new Set(strategy.shares.flatMap((one) => one.check ?? []))] : [];
  return (
    <details>
      <summary>What would end it</summary>
      <ul class="plain-list">
        <li>Pods of the new version that are not healthy</li>
        {checks.map((path) => <li key={path}>No answer of 2xx or 3xx at <code>{path}</code></li>)}
        {isLeft(view.ends.measured) && strategy.metrics.map((metric) => <li key={metric.name}><b>{metric.name}</b> {tolerance(metric)}</li>)}
        {step(view.ends.switch)?.from === null && <li>A newer job of the app, until the step that switches all requests</li>}
        {left.some((one) => one.gate) && <li>A rejection, or no approval in time</li>}
        <li>A person who aborts or cancels it</li>
      </ul>
      <p class="quiet">All requests then go back to the version before, whose pods still run.</p>
    </details>
  );
}

function Kept({ kept }: { kept: Map<string, number> }) {
  return (
    <>
      {[...kept].map(([cluster, until]) => (
        <p key={cluster}>The version before {until > now.value ? "is" : "was"} kept{inCluster(cluster)} until <time dateTime={new Date(until * 1000).toISOString()}>{clock(until)}</time>, for a quick rollback.</p>
      ))}
    </>
  );
}

export function StrategyCard({ job, view, changed }: { job: Job; view: View; changed: () => void }) {
  const { strategy, shifted, holding, kept, gate } = view.traffic;
  if (!strategy) return null;
  const ended = job.ended ?? view.ended;
  const goesBack = !ended && (view.rollingBack !== null || job.state === "rolling_back");
  const isUnderWay = !ended && !goesBack && !isOver(job.state);
  const isBack = !!ended && ended.outcome !== "succeeded";
  const share = shareNow(strategy, view.forward);
  const waits = isUnderWay && job.held?.gate === "traffic";
  const weights = [...shifted.values()].map(({ cluster, weight }) => `${weight} % of requests go to the new version${inCluster(cluster)}`);
  const means = strategy.kind === "canary" ? MEANS[strategy.traffic] : "by the selector of the Service";
  return (
    <section class="card strategy" aria-label="Strategy">
      <div class="section-head"><h2>{NAMES[strategy.kind]}</h2><span class="quiet">{means}</span></div>
      {/* Without the time that is left, which would be read out each second. */}
      <p class="visually-hidden" role="status">
        {isBack ? "All requests go to the version before" : goesBack ? "Requests go back to the version before" : weights.join(", ") || "The new version gets no requests yet"}
        {isUnderWay && job.paused && `, paused by ${job.paused.by}`}
      </p>
      <Now strategy={strategy} view={view} isBack={isBack} />
      {isBack && <p>All requests go to the version before.</p>}
      {goesBack && <p>Requests go back to the version before.</p>}
      {isUnderWay && <Paused job={job} shares />}
      {isUnderWay && holding !== null && <Hold until={holding} isPaused={!!job.paused} />}
      {waits && <p>Waits for an approval{gate && gate.digest === job.held?.digest && ` of ${gate.weight} % of requests`}.</p>}
      <Shares strategy={strategy} view={view} isLeft={!isUnderWay} />
      <Measurements traffic={view.traffic} />
      {!isBack && <Kept kept={kept} />}
      {isUnderWay && <Ends strategy={strategy} view={view} share={share} />}
      {isUnderWay && <Interventions job={job} shares changed={changed} />}
    </section>
  );
}
