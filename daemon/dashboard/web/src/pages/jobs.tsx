// All jobs, in pages of the server. The choice is in the address.

import { useEffect } from "preact/hooks";
import { query } from "../api";
import { subscribe } from "../live";
import { useLoad, usePages } from "../load";
import { params, setParams } from "../route";
import { title } from "../title";
import type { Job, Jobs } from "../types";
import { JobList } from "../ui/jobs";
import { Command, Empty, More, Problem, Skeleton } from "../ui/parts";

const STATES: [string, string][] = [
  ["", "All"], ["waiting,running,held,rolling_back", "Active"], ["held", "To approve"], ["succeeded", "Succeeded"], ["failed", "Failed"], ["stopped", "Stopped"],
];

export function JobsPage() {
  const project = params.value.get("project") ?? "";
  const app = params.value.get("app") ?? "";
  const state = params.value.get("state") ?? "";
  const address = query("/api/jobs", { project, app, state });
  const { data, failure, again, set } = useLoad<Jobs>(address, 15_000);
  const older = usePages<Job>(address, data?.next);
  useEffect(() => title("Jobs"), []);
  useEffect(() => subscribe("jobs", {
    after: () => 0,
    take: (message) => {
      if (message.gap) again();
      for (const job of (message.jobs ?? []) as Job[]) {
        // Whether a new one belongs to the choice, the server knows.
        set((jobs) => {
          const isListed = jobs.items.some((one) => one.id === job.id);
          if (!isListed || state) again();
          return { ...jobs, items: jobs.items.map((one) => (one.id === job.id ? job : one)) };
        });
      }
    },
  }), [again, state]);
  const seen = new Set<string>();
  const jobs = [...(data?.items ?? []), ...older.items].filter((job) => !seen.has(job.id) && seen.add(job.id));
  const isChosen = project || app || state;
  return (
    <div class="page">
      <div class="page-head"><h1>Jobs</h1></div>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <div class="segments" role="group" aria-label="State">
          {STATES.map(([value, text]) => (
            <button type="button" key={value} aria-pressed={state === value} onClick={() => setParams({ state: value })}>{text}</button>
          ))}
        </div>
        <input aria-label="Project" placeholder="Project" value={project} spellcheck={false}
          onChange={(event) => setParams({ project: event.currentTarget.value.trim() })} />
        <input aria-label="App" placeholder="App" value={app} spellcheck={false}
          onChange={(event) => setParams({ app: event.currentTarget.value.trim() })} />
      </form>
      {failure && <Problem failure={failure} again={again} />}
      {!data && !failure && <Skeleton rows={6} />}
      {data && !jobs.length && (isChosen
        ? <Empty title="No job is so"><p><a href="/jobs">Show all jobs</a></p></Empty>
        : <Empty title="No job yet"><Command>windlass submit shop/web --repository https://git.example/shop/web.git</Command></Empty>)}
      {jobs.length > 0 && <JobList jobs={jobs} />}
      {data?.unreadable.map((job) => <p class="quiet" key={job.id}>Job {job.id} cannot be read: {job.why}</p>)}
      {older.hasMore && <More busy={older.busy} load={older.load} />}
    </div>
  );
}
