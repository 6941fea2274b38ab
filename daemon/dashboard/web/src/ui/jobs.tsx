// A list of jobs, as several pages have it.

import { appName, clock, short } from "../format";
import { appPath, jobPath } from "../route";
import type { Job } from "../types";
import { Icon } from "./icons";
import { Ago, Badge, Took, shownState } from "./parts";
import { Weight, isReleasing } from "./weight";

function what(job: Job): string {
  if (job.rollback_of) return "rollback";
  if (job.contract_of) return "contraction";
  if (job.removal) return job.removal.data ? "removal with data" : "removal";
  const revision = job.source?.revision || job.source?.branch;
  return revision ? revision.replace(/^refs\/(heads|tags)\//, "") : "commit";
}

/** Why a job waits, where it failed, or who stopped it. */
function note(job: Job): string {
  const gate = job.held?.gate === "traffic" ? "it gets more requests" : `its ${job.held?.gate}`;
  if (job.held) return `before ${gate}${job.held.until ? `, until ${clock(job.held.until)}` : ""}`;
  if (job.paused && !job.ended) return `by ${job.paused.by}${job.paused.note && `: ${job.paused.note}`}`;
  if (job.waiting) return `for ${job.waiting.sentence}`;
  const { ended } = job;
  if (ended?.diagnosis) return ended.diagnosis.what;
  if (ended?.stop) return ended.stop;
  return job.state === "running" && job.stage ? `at ${job.stage}` : "";
}

/** `withWeight` shows the share of requests of each release that is under way, at a request for each. */
export function JobList({ jobs, withApp = true, withWeight = false }: { jobs: Job[]; withApp?: boolean; withWeight?: boolean }) {
  return (
    <ul class="rows">
      {jobs.map((job) => (
        <li class="row job-row" key={job.id}>
          <Badge state={shownState(job)} text={job.state === "held" ? "To approve" : undefined} />
          <div class="row-main">
            <a class="row-link" href={jobPath(job.id)}>
              {withApp ? <><b>{appName(job.app)}</b> <span class="quiet">{job.app.environment}</span></> : <b>{what(job)}</b>}
            </a>
            <span class="row-note">
              {withApp && <span><Icon name={job.rollback_of ? "rolling_back" : job.removal ? "removal" : "branch"} size={13} /> {what(job)}</span>}
              {job.source && <code>{short(job.source.commit)}</code>}
              {withWeight && isReleasing(job) && <Weight job={job} />}
              {note(job) && <span class="clip" title={note(job)}>{note(job)}</span>}
            </span>
          </div>
          <div class="row-side">
            <span class="quiet">{job.principal}</span>
            <Took from={job.started} to={job.finished} />
            <Ago at={job.created} />
          </div>
        </li>
      ))}
    </ul>
  );
}

export function AppLink({ job }: { job: Job }) {
  return <a href={appPath(job.app)}>{appName(job.app)}</a>;
}
