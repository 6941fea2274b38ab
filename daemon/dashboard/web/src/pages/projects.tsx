// All projects with their apps: what serves, and what runs.

import { useEffect, useRef } from "preact/hooks";
import { may } from "../api";
import { subscribe } from "../live";
import { useLoad } from "../load";
import { plural } from "../format";
import { appPath, jobPath, projectPath } from "../route";
import { title } from "../title";
import type { Job, Jobs, ListedApp, Project } from "../types";
import { JobList } from "../ui/jobs";
import { Ago, Badge, Command, Commit, Empty, Problem, Skeleton } from "../ui/parts";

/** An app with what serves and its last job. */
export function AppCard({ listed }: { listed: ListedApp }) {
  const { app, releases, last } = listed;
  const newest = releases[0];
  return (
    <article class="card app-card">
      <header>
        <h3><a class="card-link" href={appPath(app)}>{app.name}</a></h3>
        <span class="tag">{app.environment}</span>
      </header>
      <p class="serves">
        {newest
          ? <>Serves <Commit id={newest.commit} />{releases.length > 1 && <span class="quiet"> and {plural(releases.length - 1, "other")}</span>}</>
          : <span class="quiet">No release yet</span>}
      </p>
      <footer>
        {last
          ? <a class="plain-link" href={jobPath(last.id)}><Badge state={last.state} /> <span class="quiet"><Ago at={last.finished ?? last.created} /> by {last.principal}</span></a>
          : <span class="quiet">No recent job</span>}
      </footer>
    </article>
  );
}

/** Puts a job that changed into the apps. */
export function withJob(apps: ListedApp[], job: Job): ListedApp[] {
  return apps.map((listed) => {
    const { app, last } = listed;
    const isIts = app.project === job.app.project && app.name === job.app.name && app.environment === job.app.environment;
    return isIts && (!last || last.id <= job.id) ? { ...listed, last: job } : listed;
  });
}

const isKnown = (apps: ListedApp[], job: Job) =>
  apps.some(({ app }) => app.project === job.app.project && app.name === job.app.name && app.environment === job.app.environment);

/** Keeps a list of apps up to date. A job that ended may have changed what serves. */
export function useChanges(change: (job: Job) => void, again: () => void, apps: () => ListedApp[]) {
  // One subscription outlives all renderings, and asks for what the last of them shows.
  const last = useRef({ change, again, apps });
  last.current = { change, again, apps };
  useEffect(() => subscribe("jobs", {
    after: () => 0,
    take: (message) => {
      const shown = last.current;
      if (message.gap) shown.again();
      for (const job of (message.jobs ?? []) as Job[]) {
        if (job.ended || !isKnown(shown.apps(), job)) shown.again();
        else shown.change(job);
      }
    },
  }), []);
}

export function ProjectsPage() {
  const { data, failure, again, set } = useLoad<Project[]>("/api/projects", 60_000);
  const held = useLoad<Jobs>("/api/jobs?state=held&limit=10", 60_000);
  useChanges(
    (job) => {
      set((projects) => projects.map((project) => ({ ...project, apps: withJob(project.apps, job) })));
      if (job.state === "held" || held.data?.items.some((one) => one.id === job.id)) held.again();
    },
    () => { again(); held.again(); },
    () => data?.flatMap((project) => project.apps) ?? [],
  );
  useEffect(() => title("Projects"), []);
  // Both at once: what waits for people stands above, and would push away what is being read.
  if (!data || (!held.data && !held.failure)) return failure ? <Problem failure={failure} again={again} /> : <Skeleton />;
  const toApprove = (held.data?.items ?? []).filter((job) => may("approve", job.app.project));
  return (
    <div class="page">
      <div class="page-head"><h1>Projects</h1></div>
      {failure && <Problem failure={failure} />}
      {toApprove.length > 0 && (
        <section>
          <div class="section-head"><h2>To approve</h2><a href="/jobs?state=held">All that wait</a></div>
          <JobList jobs={toApprove} />
        </section>
      )}
      {!data.length && (
        <Empty title="Nothing is deployed yet">
          <p>Deploy an app from its repository. The page shows it as it goes.</p>
          <Command>windlass submit shop/web --repository https://git.example/shop/web.git</Command>
          <p>Or let each push deploy:</p>
          <Command>windlass project apply -f project.toml</Command>
        </Empty>
      )}
      {data.map((project) => (
        <section key={project.name}>
          <div class="section-head">
            <h2><a href={projectPath(project.name)}>{project.name}</a></h2>
            <span class="quiet">{project.file ? <>file version {project.file.version}, <Ago at={project.file.at} /> by {project.file.by}</> : "without a project file"}</span>
          </div>
          {project.apps.length
            ? <div class="cards">{project.apps.map((listed) => <AppCard key={appPath(listed.app)} listed={listed} />)}</div>
            : <p class="quiet">No job yet. A push deploys the first one.</p>}
        </section>
      ))}
    </div>
  );
}
