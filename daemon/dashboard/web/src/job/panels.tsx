// What is above the log: diagnosis, stages, rollout, tests, warnings.

import { duration, now, plural } from "../format";
import { jobPath } from "../route";
import { type Diagnosis, type Ended, type Job, STAGES } from "../types";
import { Icon } from "../ui/icons";
import { Badge, Command, Commit, isOver, tone, word } from "../ui/parts";
import { type Step, type View, isAsBefore, servesAfter } from "./fold";
import { stageName } from "./lines";

const TIMES = (from: number | null, to: number | null, runs: boolean) =>
  from === null ? "" : duration((to ?? (runs ? Math.max(now.value, from) : from)) - from);

/** Cause, evidence, fix. */
export function DiagnosisCard({ diagnosis, title }: { diagnosis: Diagnosis; title?: string }) {
  const { what, why, subject, fixes, evidence, command, reference, stage } = diagnosis;
  return (
    <section class="card diagnosis" aria-label="Diagnosis">
      <p class="eyebrow">{title ?? `Failed at ${stage || "start"}`}{subject && <> · <code>{subject}</code></>}</p>
      <h2>{what}</h2>
      {why && <pre class="why" tabIndex={0}>{why}</pre>}
      {fixes.length > 0 && (
        <div class="fixes"><h3>What to do</h3><ol>{fixes.map((fix) => <li key={fix}>{fix}</li>)}</ol></div>
      )}
      {command && <div><h3>Look closer</h3><Command>{command}</Command></div>}
      {evidence.length > 0 && (
        <details><summary>Evidence ({evidence.length})</summary>{evidence.map((one, index) => <pre key={index} class="code">{one}</pre>)}</details>
      )}
      {reference && <p class="quiet">Explained by <code>windlass explain {reference}</code></p>}
    </section>
  );
}

/** The releases that serve after a job that did not succeed, where they are known. */
function Serves({ view, ended }: { view: View; ended: Ended }) {
  return (
    <>
      {servesAfter(view, ended).map(({ id, commit, clusters }) => (
        <p class="quiet" key={id}>Serves now: <Commit id={commit} />{clusters.join() !== "default" && ` in ${clusters.join(", ")}`}, of <a href={jobPath(id)}>release {id}</a></p>
      ))}
    </>
  );
}

/** Why a job waits, was stopped, or goes back. */
export function Notice({ job, view }: { job: Job; view: View }) {
  const ended = job.ended ?? view.ended;
  if (ended?.outcome === "failed" && ended.diagnosis) {
    return <><DiagnosisCard diagnosis={ended.diagnosis} /><Serves view={view} ended={ended} /></>;
  }
  if (ended?.outcome === "stopped") {
    return <section class="card notice grey"><Icon name="stopped" /><div><h2>Stopped: {ended.stop}</h2><p>{job.removal ? "What it deleted by then does not come back." : isAsBefore(view) ? "What ran before, if anything, still serves." : "See what serves now on the page of the app."}</p><Serves view={view} ended={ended} /></div></section>;
  }
  if (view.rollingBack && !ended) {
    const { diagnosis, stop } = view.rollingBack;
    return (
      <>
        <section class="card notice amber"><Icon name="rolling_back" /><div><h2>Rolling back to the previous release</h2>
          <p>{diagnosis ? diagnosis.what : stop}</p></div></section>
        {diagnosis && <DiagnosisCard diagnosis={diagnosis} />}
      </>
    );
  }
  if (view.retrying && !ended) {
    return <section class="card notice amber"><Icon name="waiting" /><div><h2>Trying again</h2><p>{view.retrying.reason}</p></div></section>;
  }
  if (ended?.removed_from.length) {
    return (
      <section class="card notice grey"><Icon name="removal" /><div><h2>Removed{ended.removed_from.join() !== "default" && ` from ${ended.removed_from.join(", ")}`}</h2>
        <p>All that was made for the app is deleted. Images stay in the registry, and its releases do not come back by a rollback.</p></div></section>
    );
  }
  if (ended?.contracted_in.length) {
    return (
      <section class="card notice grey"><Icon name="succeeded" /><div><h2>Contracted{ended.contracted_in.join() !== "default" && ` in ${ended.contracted_in.join(", ")}`}</h2>
        <p>The data holds no more what only versions before <a href={`/jobs/${job.contract_of}`}>this release</a> work with. No rollback leads to these.</p></div></section>
    );
  }
  if (job.waiting && !job.held && !ended) {
    const { sentence, job: other } = job.waiting;
    return (
      <section class="card notice grey"><Icon name="waiting" /><div><h2>Waiting for {sentence}</h2>
        {other && <p><a href={`/jobs/${other}`}>The job before it</a></p>}</div></section>
    );
  }
  return null;
}

/** The stages in a row, each with its sign and its time. */
export function Stages({ job, view }: { job: Job; view: View }) {
  const isRollback = !!job.rollback_of || !!job.contract_of || !!job.removal;
  // Most jobs have no hooks, and a rollback or a removal builds nothing.
  const stages = STAGES.filter((stage) => view.stages.has(stage) || (stage !== "hooks" && (!isRollback || stage === "release")));
  return (
    <ol class="stages" aria-label="Stages">
      {stages.map((stage) => {
        const one = view.stages.get(stage);
        const state = one?.state ?? "waiting";
        const words = one ? word(state) : isOver(job.state) ? "Not reached" : "To come";
        return (
          <li key={stage} class={`stage ${one ? tone(state) : "none"}`} title={one?.note || words}>
            <span class="sign"><Icon name={one ? state : "todo"} size={15} /></span>
            <span><b>{stageName(stage)}</b><small>{state === "skipped" || state === "stopped" || !one ? words : TIMES(one.from, one.to, state === "running") || words}</small></span>
          </li>
        );
      })}
    </ol>
  );
}

function Steps({ steps, name }: { steps: Step[]; name: string }) {
  return (
    <ol class="steps" aria-label={name}>
      {steps.map((step, index) => (
        <li key={index} class={step.state}>
          <span class={`sign ${step.state}`}><Icon name={step.state === "waiting" ? "todo" : step.state} size={14} /></span>
          <span>{step.text}</span><span class="visually-hidden">: {step.state === "waiting" ? "to come" : word(step.state)}</span>
          <span class="quiet num">{TIMES(step.from, step.to, step.state === "running")}</span>
        </li>
      ))}
    </ol>
  );
}

/** The plan as it is carried out, with the pods of each cluster. */
export function Rollout({ view, isOver }: { view: View; isOver: boolean }) {
  if (!view.forward.length && !view.serving.size) return null;
  const goesBack = view.rollingBack !== null;
  return (
    <section class="card rollout" aria-label="Rollout">
      <h2>Rollout</h2>
      {[...view.rollouts].map(([cluster, { ready, desired }]) => (
        <div class="pods" key={cluster}>
          <span>{cluster && cluster !== "default" ? cluster : "Pods"}</span>
          <progress value={ready} max={Math.max(desired, 1)} aria-label={`Pods ready${cluster ? ` in ${cluster}` : ""}`} />
          <span class="num">{ready} of {desired} ready</span>
        </div>
      ))}
      {view.strategies.length > 0 && (
        <ul class="plain-list" aria-label="Strategy of each process">{view.strategies.map((line) => <li key={line}>{line}</li>)}</ul>
      )}
      <Steps steps={view.forward} name="Steps forward" />
      {goesBack && view.rollback.length > 0 && <><h3>Rollback</h3><Steps steps={view.rollback} name="Steps of the rollback" /></>}
      {!goesBack && !isOver && view.rollback.length > 0 && (
        <details><summary>If it fails</summary><ol class="steps quiet">{view.rollback.map((step, index) => <li key={index}>{step.text}</li>)}</ol></details>
      )}
      {[...view.serving].map(([cluster, endpoints]) => <Addresses key={cluster} cluster={cluster} endpoints={endpoints} />)}
    </section>
  );
}

/** Addresses under which an app answers. */
export function Addresses({ cluster, endpoints }: { cluster: string; endpoints: { url: string; internal: boolean }[] }) {
  if (!endpoints.length) return null;
  return (
    <p class="addresses">
      {cluster && cluster !== "default" && <span class="quiet">{cluster}</span>}
      {endpoints.map(({ url, internal }) => (/^https?:\/\//.test(url) && !internal
        ? <a key={url} href={url} target="_blank" rel="noreferrer noopener">{url.replace(/\/$/, "")}<Icon name="external" size={13} /></a>
        : <span key={url}><code>{url}</code>{internal && <span class="quiet"> within the cluster</span>}</span>))}
    </p>
  );
}

export function Tests({ view }: { view: View }) {
  const tests = view.tested;
  if (!tests) return null;
  return (
    <section class="card" aria-label="Tests">
      <div class="section-head"><h2>Tests</h2><Badge state={tests.failed ? "failed" : "succeeded"} text={tests.failed ? `${tests.failed} failed` : "All passed"} /></div>
      <p class="quiet num">{tests.passed} passed · {tests.failed} failed · {tests.skipped} skipped</p>
      {tests.failures.map((test, index) => (
        <details key={index} open={index === 0}>
          <summary>{test.suite && <span class="quiet">{test.suite} › </span>}{test.name}</summary>
          {test.file && <p class="quiet"><code>{test.file}{test.line ? `:${test.line}` : ""}</code></p>}
          {test.message && <pre class="code" tabIndex={0}>{test.message}</pre>}
        </details>
      ))}
    </section>
  );
}

export function Warnings({ view }: { view: View }) {
  if (!view.warnings.length) return null;
  return (
    <details class="card warnings">
      <summary><Icon name="warning" /> {plural(view.warnings.length, "warning")}</summary>
      <ul>{view.warnings.map(({ message, fix }, index) => <li key={index}>{message}{fix && <span class="fix">{fix}</span>}</li>)}</ul>
    </details>
  );
}
