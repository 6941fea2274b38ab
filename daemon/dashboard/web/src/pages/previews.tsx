// Preview environments of a project: where each serves, and when it ends by itself.

import { useEffect, useState } from "preact/hooks";
import { may } from "../api";
import { clock, duration, now } from "../format";
import { useLoad } from "../load";
import { subscribe } from "../live";
import { appPath, jobPath, projectPath } from "../route";
import { Crumbs } from "../shell";
import { title } from "../title";
import type { App, Endpoint, Job, ListedPreview } from "../types";
import { Icon } from "../ui/icons";
import { Ago, Badge, Command, Commit, Empty, Problem, Skeleton } from "../ui/parts";
import { RemovalDialog } from "../ui/removal";
import { ProjectTabs } from "./project";

/** Returns the page of an address. A gateway alone knows its scheme: https is tried. */
const page = ({ url }: Endpoint) => (/^https?:\/\//.test(url) ? url : `https://${url}`);

function Opens({ endpoints, serves }: { endpoints: Endpoint[]; serves: boolean }) {
  const outside = endpoints.filter((endpoint) => !endpoint.internal);
  if (!outside.length) return <span class="quiet">{serves ? "Reached within the cluster" : "No address yet"}</span>;
  return (
    <>{outside.map((endpoint) => (
      <a key={endpoint.url} class="opens" href={page(endpoint)} target="_blank" rel="noreferrer noopener">
        <span class="clip">{endpoint.url.replace(/^https?:\/\//, "").replace(/\/$/, "")}</span><Icon name="external" size={13} /></a>
    ))}</>
  );
}

function Ends({ listed }: { listed: ListedPreview }) {
  const { preview } = listed;
  if (preview.state !== "open") {
    return <span class="quiet">{preview.removal ? <a href={jobPath(preview.removal)}>removal</a> : "ended"}</span>;
  }
  if (!preview.until) return null;
  const left = preview.until - now.value;
  return <span class="quiet" title={clock(preview.until)}>{left > 0 ? `ends in ${duration(left)}` : "ends now"}</span>;
}

function Row({ listed, remove }: { listed: ListedPreview; remove: (app: App) => void }) {
  const { preview, pull_page, release, endpoints, last } = listed;
  const { app } = preview;
  const isOpen = preview.state === "open";
  return (
    <li class="row preview-row">
      <Badge state={preview.state} />
      <div class="row-main">
        <span class="row-title"><a class="row-link" href={appPath(app)}><b>{app.name}</b> <span class="quiet">{app.environment}</span></a>
          {preview.number > 0 && (pull_page
            ? <a href={pull_page} target="_blank" rel="noreferrer noopener">{preview.repository} #{preview.number}<Icon name="external" size={12} /></a>
            : <span class="quiet">{preview.repository} #{preview.number}</span>)}</span>
        <span class="row-note">
          {isOpen && <Opens endpoints={endpoints} serves={!!release} />}
          {last && !last.ended && <a class="plain-link" href={jobPath(last.id)}><Badge state={last.state} /></a>}
          {last?.ended?.outcome === "failed" && <a class="plain-link" href={jobPath(last.id)}><Badge state="failed" text="Last job failed" /></a>}
        </span>
      </div>
      <div class="row-side">
        <Commit id={preview.commit} />
        <Ago at={preview.pushed} />
        <Ends listed={listed} />
        {isOpen && may("deploy", app.project) && <button type="button" onClick={() => remove(app)}>Remove …</button>}
      </div>
    </li>
  );
}

export function PreviewsPage({ project }: { project: string }) {
  const { data, failure, again } = useLoad<ListedPreview[]>(`/api/projects/${encodeURIComponent(project)}/previews`, 15_000);
  const [removed, setRemoved] = useState<App>();
  useEffect(() => title(`Previews of ${project}`), [project]);
  useEffect(() => subscribe("jobs", {
    after: () => 0,
    take: (message) => {
      const jobs = (message.jobs ?? []) as Job[];
      if (message.gap || jobs.some((job) => job.app.project === project && job.app.environment.startsWith("pr-"))) again();
    },
  }), [again, project]);
  return (
    <div class="page">
      <Crumbs of={[["Projects", "/"], [project, projectPath(project)]]} />
      <div class="page-head"><h1>Previews</h1></div>
      <ProjectTabs name={project} here="previews" />
      {failure && <Problem failure={failure} again={again} />}
      {!data && !failure && <Skeleton />}
      {data && !data.length && (
        <Empty title="No preview is open">
          <p>Each pull request has one where the project's file has <code>[previews]</code> and a trigger with <code>pull</code>. Or make one by name:</p>
          <Command>{`windlass submit ${project}/APP --preview NAME`}</Command>
        </Empty>
      )}
      <ul class="rows">{data?.map((listed) => <Row key={appPath(listed.preview.app)} listed={listed} remove={setRemoved} />)}</ul>
      {removed && <RemovalDialog key={appPath(removed)} app={removed} isPreview onClose={() => setRemoved(undefined)} />}
    </div>
  );
}
