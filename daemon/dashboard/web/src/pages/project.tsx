// One project: its apps, its jobs, and the file that says what pushes deploy.

import { useEffect } from "preact/hooks";
import { useLoad } from "../load";
import { projectPath } from "../route";
import { Crumbs } from "../shell";
import { title } from "../title";
import { query } from "../api";
import type { Jobs, Project } from "../types";
import { JobList } from "../ui/jobs";
import { Ago, Command, Problem, Skeleton } from "../ui/parts";
import { AppCard, useChanges, withJob } from "./projects";

/** Links between the pages of a project. */
export function ProjectTabs({ name, here }: { name: string; here: "" | "previews" | "deliveries" | "outbox" | "own" }) {
  const tab = (to: typeof here, text: string) => (
    <a href={to ? `${projectPath(name)}/${to}` : projectPath(name)} aria-current={here === to ? "page" : undefined}>{text}</a>
  );
  return <nav class="tabs" aria-label="Project">{tab("", "Apps")}{tab("previews", "Previews")}{tab("deliveries", "Deliveries")}{tab("outbox", "Outbox")}{tab("own", "Registries and clusters")}</nav>;
}

export function ProjectPage({ name }: { name: string }) {
  const { data, failure, again, set } = useLoad<Project>(`/api/projects/${encodeURIComponent(name)}`, 60_000);
  const jobs = useLoad<Jobs>(query("/api/jobs", { project: name, limit: "10" }), 15_000);
  useChanges(
    (job) => { set((project) => ({ ...project, apps: withJob(project.apps, job) })); jobs.again(); },
    () => { again(); jobs.again(); },
    () => data?.apps ?? [],
  );
  useEffect(() => title(name), [name]);
  if (!data) return failure ? <Problem failure={failure} again={again} /> : <Skeleton />;
  const { file, apps } = data;
  return (
    <div class="page">
      <Crumbs of={[["Projects", "/"]]} />
      <div class="page-head"><h1>{name}</h1></div>
      <ProjectTabs name={name} here="" />
      {apps.length
        ? <div class="cards">{apps.map((listed) => <AppCard key={`${listed.app.name}/${listed.app.environment}`} listed={listed} />)}</div>
        : <p class="quiet">No app was deployed yet.</p>}
      <section>
        <div class="section-head"><h2>Last jobs</h2><a href={query("/jobs", { project: name })}>All jobs</a></div>
        {jobs.data?.items.length ? <JobList jobs={jobs.data.items} /> : <p class="quiet">None yet.</p>}
      </section>
      <section>
        <div class="section-head"><h2>Project file</h2>
          {file && <span class="quiet">version {file.version}, <Ago at={file.at} /> by {file.by}</span>}</div>
        {file
          ? <pre class="card code" tabIndex={0} aria-label="Project file">{file.toml}</pre>
          : <div class="card"><p>No file was applied, so that no push deploys.</p><Command>windlass project apply -f project.toml</Command></div>}
      </section>
    </div>
  );
}
