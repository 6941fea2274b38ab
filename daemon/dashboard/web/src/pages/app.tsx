// One app in one environment: what serves where, since when, by whom; jobs; releases, and the rollback to one.

import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, may, post, requestId } from "../api";
import { bytes, short } from "../format";
import { Addresses, DiagnosisCard } from "../job/panels";
import { subscribe } from "../live";
import { useLoad, usePages } from "../load";
import { appApi, go, jobPath, projectPath } from "../route";
import { Crumbs } from "../shell";
import { title } from "../title";
import { query } from "../api";
import type { App, AppStatus, ClusterStatus, Job, Page, Release } from "../types";
import { JobList } from "../ui/jobs";
import { Ago, Badge, Command, Commit, Dialog, Empty, More, Problem, Skeleton } from "../ui/parts";
import { RemovalDialog } from "../ui/removal";

function Cluster({ status }: { status: ClusterStatus }) {
  const { release, health, unreachable, workloads, endpoints, diagnosis, principal } = status;
  const state = unreachable ? "unreachable" : health || "none";
  return (
    <article class="card cluster">
      <header>
        <Badge state={state} large />
        {status.cluster !== "default" && <h3>{status.cluster}</h3>}
      </header>
      {release
        ? <p>Serves <Commit id={release.commit} /> since <Ago at={release.created} />{principal && <> by <b>{principal}</b></>} · <a href={jobPath(release.id)}>job</a></p>
        : <p class="quiet">Nothing was released here.</p>}
      {unreachable && <p>{unreachable}</p>}
      <Addresses cluster="" endpoints={endpoints} />
      {workloads.length > 0 && (
        <ul class="workloads">
          {workloads.map((one) => (
            <li key={`${one.kind}/${one.name}`}><span>{one.process || one.name} <span class="quiet">{one.kind}</span></span>
              <span class={`num ${one.ready < one.desired ? "short" : ""}`}>{one.ready} of {one.desired} ready</span></li>
          ))}
        </ul>
      )}
      {diagnosis && <DiagnosisCard diagnosis={diagnosis} title={health === "progressing" ? "Should it last" : "Wrong"} />}
    </article>
  );
}

function RollbackDialog(
  { app, from: newest, to, onClose }: { app: App; from: Release | undefined; to: Release; onClose: () => void },
) {
  // What the person decided from: a release that comes meanwhile is a conflict, and no new question under the pointer.
  const from = useRef(newest).current;
  const id = useRef(requestId());
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const confirm = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      const body = { request_id: id.current, to: to.id, expected: from?.id ?? "" };
      const job = await post<Job>(`${appApi(app)}/rollback`, body);
      go(jobPath(job.id));
    } catch (error) {
      if (error instanceof Failure) setFailure(error);
      setBusy(false);
    }
  };
  const line = (name: string, before: string, after: string) => (
    <tr><th scope="row">{name}</th><td>{before}</td><td class={before === after ? "quiet" : "changed"}>{after}</td></tr>
  );
  return (
    <Dialog title={`Roll back ${app.name}?`} onClose={onClose}>
      <table class="diff">
        <thead><tr><td /><th scope="col">Serves now</th><th scope="col">Will serve</th></tr></thead>
        <tbody>
          {line("Commit", short(from?.commit ?? "—"), short(to.commit))}
          {line("Image", from?.digest.slice(7, 19) ?? "—", to.digest.slice(7, 19))}
          {line("Clusters", from?.clusters.join(", ") ?? "—", to.clusters.join(", "))}
        </tbody>
      </table>
      <ul class="plain-list">
        <li>Nothing is built: the image of that release is applied as it was. It serves within seconds while its pods are kept, else after about as long as a rollout.</li>
        <li>Data stays as it is. A migration since then is not undone.</li>
        <li>The next push that a trigger takes deploys again.</li>
      </ul>
      {failure && <Problem failure={failure} />}
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>Leave it</button>
        <button type="button" class="primary" disabled={busy} onClick={confirm}>{busy ? "Sending …" : "Roll back"}</button>
      </div>
    </Dialog>
  );
}

function Releases({ app, version }: { app: App; version: number }) {
  const address = `${appApi(app)}/releases`;
  const { data, failure, again } = useLoad<Page<Release>>(address);
  const older = usePages<Release>(address, data?.next);
  const [to, setTo] = useState<Release>();
  useEffect(() => { if (version) again(); }, [version]);
  const all = [...(data?.items ?? []), ...older.items];
  const mayDeploy = may("deploy", app.project);
  return (
    <section>
      <div class="section-head"><h2>Releases</h2>{!mayDeploy && <span class="quiet">You may look, and not deploy.</span>}</div>
      {failure && <Problem failure={failure} again={again} />}
      {data && !all.length && <p class="quiet">None yet: a job that succeeds makes one.</p>}
      <ul class="rows">
        {all.map((release) => (
          <li class="row" key={release.id}>
            {release.current ? <Badge state="healthy" text="Serves" /> : <span class="badge none">Earlier</span>}
            <div class="row-main">
              <a class="row-link" href={jobPath(release.id)}><Commit id={release.commit} /></a>
              <span class="row-note"><code class="clip" title={release.digest}>{release.image}</code>{release.bytes > 0 && <span>{bytes(release.bytes)}</span>}</span>
            </div>
            <div class="row-side">
              {release.clusters.join() !== "default" && <span class="quiet">{release.clusters.join(", ")}</span>}
              <Ago at={release.created} />
              {mayDeploy && <button type="button" disabled={release.id === all[0]?.id}
                title={release.id === all[0]?.id ? "It is the newest release" : undefined} onClick={() => setTo(release)}>Roll back to this</button>}
            </div>
          </li>
        ))}
      </ul>
      {older.hasMore && <More busy={older.busy} load={older.load} />}
      {to && <RollbackDialog app={app} from={all[0]} to={to} onClose={() => setTo(undefined)} />}
    </section>
  );
}

export function AppPage({ app }: { app: App }) {
  const { data, failure, again } = useLoad<AppStatus>(appApi(app), 15_000);
  const [version, setVersion] = useState(0);
  const [removes, setRemoves] = useState(false);
  useEffect(() => subscribe("jobs", {
    after: () => 0,
    take: (message) => {
      const isIts = (job: Job) => job.app.project === app.project && job.app.name === app.name && job.app.environment === app.environment;
      const jobs = ((message.jobs ?? []) as Job[]).filter(isIts);
      if (message.gap || jobs.length) again();
      if (message.gap || jobs.some((job) => job.ended)) setVersion((count) => count + 1);
    },
  }), [again]);
  useEffect(() => title(`${app.project}/${app.name}`), []);
  return (
    <div class="page">
      <Crumbs of={[["Projects", "/"], [app.project, projectPath(app.project)]]} />
      <div class="page-head"><h1>{app.name}</h1><span class="tag large">{app.environment}</span>
        {may("deploy", app.project) && <div class="actions head-end"><button type="button" class="danger" onClick={() => setRemoves(true)}>Remove app …</button></div>}</div>
      {removes && <RemovalDialog app={app} onClose={() => setRemoves(false)} />}
      {failure && <Problem failure={failure} again={again} />}
      {!data && !failure && <Skeleton />}
      {data && (
        <>
          <div class="cards wide">{data.clusters.map((status) => <Cluster key={status.cluster} status={status} />)}</div>
          <section>
            <div class="section-head"><h2>Last jobs</h2><a href={query("/jobs", { project: app.project, app: app.name })}>All jobs</a></div>
            {data.jobs.length
              ? <JobList jobs={data.jobs} withApp={false} withWeight />
              : <Empty title="No job yet"><Command>{`windlass submit ${app.project}/${app.name} --repository URL`}</Command></Empty>}
          </section>
          <Releases app={app} version={version} />
        </>
      )}
    </div>
  );
}
