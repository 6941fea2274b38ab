// One job: why it failed on top, its stages, its rollout, its log.

import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, may, post, requestId } from "../api";
import { appName, repository } from "../format";
import { Approval, gateOf } from "../job/approval";
import { ChangesCard, seesChanges } from "../job/changes";
import { Feed } from "../job/feed";
import { LogView } from "../job/log";
import { Notice, Rollout, Stages, Tests, Warnings } from "../job/panels";
import { stageName } from "../job/lines";
import { OnItsWay } from "../job/pause";
import { StrategyCard } from "../job/strategy";
import { useLoad } from "../load";
import { appPath, go, jobPath, projectPath } from "../route";
import { Crumbs } from "../shell";
import { title } from "../title";
import type { Job } from "../types";
import { Ago, Badge, Commit, Dialog, Problem, Skeleton, Took, isOver, shownState, subject, word } from "../ui/parts";
import { RemovalDialog } from "../ui/removal";

/** Reads the events of a job for as long as its page is open. */
function useFeed(job: Job | undefined): { feed: Feed | null; version: number } {
  const [version, setVersion] = useState(0);
  const [feed, setFeed] = useState<Feed | null>(null);
  const id = job?.id;
  useEffect(() => {
    if (!job) return;
    const created = new Feed(job.id, () => setVersion((count) => count + 1));
    setFeed(created);
    void created.start(job);
    return () => created.stop();
  }, [id]);
  return { feed, version };
}

function Actions({ job, changed }: { job: Job; changed: () => void }) {
  const [asks, setAsks] = useState(false);
  const [removes, setRemoves] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  // Made before it is sent: a double click and a lost answer are one job.
  const again = useRef(requestId());
  if (!may("deploy", job.app.project)) return null;
  const send = async (what: () => Promise<void>) => {
    setBusy(true);
    setFailure(undefined);
    try {
      await what();
    } catch (error) {
      if (error instanceof Failure) setFailure(error);
    }
    setBusy(false);
  };
  const api = `/api/jobs/${encodeURIComponent(job.id)}`;
  const over = isOver(job.state);
  const goesBack = job.state === "rolling_back";
  return (
    <div class="actions">
      {over && job.removal && <button type="button" class="danger" onClick={() => setRemoves(true)}>Remove again …</button>}
      {removes && <RemovalDialog app={job.app} withData={!!job.removal?.data} onClose={() => setRemoves(false)} />}
      {over
        ? !job.removal && <button type="button" disabled={busy} onClick={() => send(async () => {
            const next = await post<Job>(`${api}/again`, { request_id: again.current });
            go(jobPath(next.id));
          })}>{job.rollback_of ? "Roll back again" : "Submit again"}</button>
        : <button type="button" class="danger" disabled={busy || goesBack}
            title={goesBack ? "It goes back to the previous release already" : undefined} onClick={() => setAsks(true)}>Cancel job</button>}
      {goesBack && <span class="quiet">It goes back to the previous release already.</span>}
      {failure && <Problem failure={failure} />}
      {asks && (
        <Dialog title="Cancel this job?" onClose={() => setAsks(false)}>
          <p>{job.removal
            ? "It stops. What it has deleted by then does not come back."
            : job.contract_of
            ? "It stops. The release serves as it did. A command that has begun runs to its end, and what it took out of the data does not come back."
            : "It stops, and what it changed goes back to the release before. What a migration did to data stays."}</p>
          <div class="dialog-actions">
            <button type="button" onClick={() => setAsks(false)}>Keep it running</button>
            <button type="button" class="danger" disabled={busy} onClick={() => { setAsks(false); void send(async () => { await post(`${api}/cancel`, {}); changed(); }); }}>Cancel job</button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function Facts({ job, feed }: { job: Job; feed: Feed | null }) {
  const { source } = job;
  const revision = source?.revision || source?.branch;
  return (
    <dl class="facts">
      <div class="fact"><dt>App</dt><dd><a href={appPath(job.app)}>{appName(job.app)}</a> <span class="tag">{job.app.environment}</span></dd></div>
      {source && <div class="fact"><dt>Commit</dt><dd><Commit id={source.commit} />{revision && <span class="quiet"> {revision.replace(/^refs\/(heads|tags)\//, "")}</span>}</dd></div>}
      {source && <div class="fact"><dt>Repository</dt><dd class="clip" title={source.repository}>{repository(source.repository)}{source.directory !== "." && `/${source.directory}`}</dd></div>}
      {job.rollback_of && <div class="fact"><dt>Back to</dt><dd><a href={jobPath(job.rollback_of)}>an earlier release</a></dd></div>}
      {job.removal && <div class="fact"><dt>Removes</dt><dd>the app, {job.removal.data ? "with its volume claims" : "without its volume claims"}</dd></div>}
      <div class="fact"><dt>By</dt><dd>{job.principal}{feed?.view.author && <span class="quiet"> (written by {feed.view.author})</span>}</dd></div>
      <div class="fact"><dt>{job.started ? "Began" : "Submitted"}</dt><dd><Ago at={job.started ?? job.created} /></dd></div>
      {job.started && <div class="fact"><dt>Took</dt><dd><Took from={job.started} to={job.finished} /></dd></div>}
      {job.clusters.join() !== "default" && <div class="fact"><dt>Clusters</dt><dd>{job.clusters.join(", ")}</dd></div>}
    </dl>
  );
}

export function JobPage({ id }: { id: string }) {
  const { data: job, failure, again } = useLoad<Job>(`/api/jobs/${encodeURIComponent(id)}`);
  const { feed, version } = useFeed(job);
  const stagesKnown = feed ? [...feed.view.stages.values()].map((one) => one.state).join() : "";
  const gate = feed?.view.gate ?? "";
  const traffic = feed?.view.traffic;
  const pause = traffic?.pause ?? "";
  const ended = !!feed?.ended;
  // What is released is known once it is pushed, and what it is compared with once it is planned.
  const release = `${feed?.view.pushed?.digest ?? ""} ${feed?.view.forward.length ? "planned" : ""}`;
  // State, reasons to wait and the outcome are the job's own: asked for again when a stage or the job ends, at a gate,
  // and when it is paused or goes on.
  useEffect(() => { if (job && (ended ? !job.ended : stagesKnown || gate || pause)) again(); }, [stagesKnown, gate, pause, ended]);
  // What was looked at is remembered for as long as it is the same gate, also while the job runs between.
  const gateSeen = useRef("");
  if (job?.held) gateSeen.current = gateOf(job.held, traffic, gateSeen.current);
  const weight = traffic?.gate && traffic.gate.digest === job?.held?.digest ? traffic.gate.weight : null;
  const waits = job?.state === "waiting" || !!job?.waiting;
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(again, 5000);
    return () => clearInterval(timer);
  }, [waits, again]);
  const heading = job ? feed?.view.summary || subject(job) : "";
  useEffect(() => { if (job) title(`${appName(job.app)}: ${heading}`, shownState(job)); }, [job && shownState(job), heading]);
  if (!job) return failure ? <Problem failure={failure} again={again} /> : <Skeleton rows={6} />;
  const at = job.stage && !isOver(job.state) ? ` at ${stageName(job.stage).toLowerCase()}` : "";
  return (
    <div class="page">
      <Crumbs of={[["Projects", "/"], [job.app.project, projectPath(job.app.project)], [`${job.app.name} ${job.app.environment}`, appPath(job.app)]]} />
      <div class="page-head job-head">
        <div><Badge state={shownState(job)} large /><h1>{heading}</h1></div>
        <Actions job={job} changed={again} />
      </div>
      <p class="visually-hidden" role="status">{word(shownState(job))}{at}</p>
      <Facts job={job} feed={feed} />
      <Approval key={gateSeen.current} job={job} weight={weight} changed={again} />
      {feed && <Notice job={job} view={feed.view} />}
      {feed && <Stages job={job} view={feed.view} />}
      {feed && <StrategyCard job={job} view={feed.view} changed={again} />}
      {feed && <OnItsWay job={job} view={feed.view} changed={again} />}
      {feed?.failure && <Problem failure={feed.failure} />}
      {seesChanges(job) && <ChangesCard job={job} version={`${release} ${job.held?.digest ?? ""}`} />}
      {feed && <div class="panels"><Rollout view={feed.view} isOver={isOver(job.state)} /><Tests view={feed.view} /></div>}
      {feed && <Warnings view={feed.view} />}
      {feed && <LogView feed={feed} version={version} jobId={job.id} isFailed={job.state === "failed"} />}
    </div>
  );
}
