// What a job changes in its clusters, object by object: the release before beside its own.

import { useEffect, useRef, useState } from "preact/hooks";
import { may } from "../api";
import { plural } from "../format";
import { useLoad } from "../load";
import { jobPath } from "../route";
import type { Changes, ClusterChanges, Job, ObjectChange } from "../types";
import { Problem, Skeleton, isOver } from "../ui/parts";

/** Objects of a cluster whose lines are open at first. */
const OPEN = 3;

const SIGNS: Record<string, [string, string]> = {
  create: ["+", "made"], update: ["~", "changed"], delete: ["−", "deleted once the release is healthy"],
};

function counted(lines: string[]): string {
  const of = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
  return `+${of("+")} −${of("-")}`;
}

function Line({ text }: { text: string }) {
  const kind = text.startsWith("+") ? "added" : text.startsWith("-") ? "gone" : text.trim() === "..." ? "between" : "";
  return <span class={`diff-line ${kind}`}>{kind === "between" ? "⋯" : text}{"\n"}</span>;
}

function Item({ change, open }: { change: ObjectChange; open: boolean }) {
  const [sign, word] = SIGNS[change.verb] ?? ["", change.verb];
  const [kind = "", ...name] = change.object.split(" ");
  const head = (
    <><span class={`diff-sign ${change.verb}`} aria-hidden="true">{sign}</span><b>{kind}</b> <span>{name.join(" ")}</span>
      <span class="quiet"> {word}</span></>
  );
  if (!change.lines.length) return <li class="diff-object"><p>{head}</p></li>;
  return (
    <li class="diff-object">
      <details open={open}>
        <summary>{head}<span class="quiet num">{counted(change.lines)}</span></summary>
        <pre class="diff-text" tabIndex={0} aria-label={`Changes of ${change.object}`}>{change.lines.map((line, index) => <Line key={index} text={line} />)}</pre>
      </details>
    </li>
  );
}

function InCluster({ found, several }: { found: ClusterChanges; several: boolean }) {
  const { cluster, before, changes, kept, left_out, why } = found;
  const isShort = changes.filter((change) => change.verb === "update").length <= OPEN;
  return (
    <div class="diff-cluster">
      <p class="quiet">
        {several && <b>{cluster}: </b>}
        {before ? <>compared with the <a href={jobPath(before)}>release before</a></> : "nothing was released there before, so that all is new"}
        {kept > 0 && `; ${plural(kept, "object")} the same`}
      </p>
      {why && <p>Not compared: {why}</p>}
      {!why && !changes.length && <p>Nothing differs: the same objects are applied again.</p>}
      <ul>{changes.map((change) => <Item key={change.object} change={change} open={isShort && change.verb === "update"} />)}</ul>
      {left_out > 0 && <p class="quiet">{plural(left_out, "more line or object", "more lines or objects")} not shown here.</p>}
    </div>
  );
}

/** The number of objects of each kind of change, in one line. */
function summary(changes: Changes): string {
  const all = changes.clusters.flatMap((found) => found.changes);
  const of = (verb: string) => all.filter((change) => change.verb === verb).length;
  const parts = [[of("create"), "made"], [of("update"), "changed"], [of("delete"), "deleted"]] as const;
  const some = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return some.join(", ") || "nothing";
}

/** `version` is another one each time that the job may have come to another release. */
export function ChangesCard({ job, version }: { job: Job; version: string }) {
  const isHeld = !!job.held && !job.ended;
  const [open, setOpen] = useState(isHeld);
  const { data, failure, again } = useLoad<Changes>(`/api/jobs/${encodeURIComponent(job.id)}/changes`);
  // Also while the first answer is on its way: it may be of before.
  const asked = useRef(version);
  useEffect(() => {
    if (asked.current === version) return;
    asked.current = version;
    again();
  }, [version]);
  useEffect(() => { if (isHeld) setOpen(true); }, [isHeld]);
  const isBuilt = !!data?.digest;
  const isOther = isBuilt && job.held?.gate === "release" && data.digest !== job.held.digest;
  const heading = isOver(job.state) ? (job.state === "succeeded" ? "What it changed" : "What it was to change") : "What it changes";
  const short = data ? (isBuilt ? summary(data) : isOver(job.state) ? "it built nothing" : "known once it is built") : "";
  return (
    <details class="card diff-card" open={open} onToggle={(event) => setOpen(event.currentTarget.open)} aria-label="Changes">
      <summary><h2>{heading}</h2> <span class="quiet">{short}</span></summary>
      {failure && <Problem failure={failure} again={again} />}
      {!data && !failure && <Skeleton rows={3} />}
      {isOther && <p class="other">What waits was rendered by another run since: this is not what you would approve. <button type="button" onClick={again}>Look again</button></p>}
      {isBuilt && data.clusters.map((found) => <InCluster key={found.cluster} found={found} several={data.clusters.length > 1} />)}
    </details>
  );
}

/** Returns whether the caller may see the changes of a job: they have values of its environment. */
export const seesChanges = (job: Job) =>
  !job.removal && !job.contract_of && (may("deploy", job.app.project) || may("approve", job.app.project));
