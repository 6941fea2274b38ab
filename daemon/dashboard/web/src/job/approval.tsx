// The gate: what waits, until when, and the two answers. An answer is of the digest that the person looked at.

import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, may, post } from "../api";
import { clock, duration, now, repository } from "../format";
import type { Held, Job } from "../types";
import { Icon } from "../ui/icons";
import { Command, Commit, Copy, Dialog, Problem } from "../ui/parts";
import { RemovalPlan } from "../ui/removal";
import { Note } from "./note";
import type { TrafficView } from "./traffic";

/** Waits of less than this many seconds are counted down. */
const SOON = 48 * 3600;

function Waiting({ job }: { job: Job }) {
  const { source, removal } = job;
  if (source) return <>Commit <Commit id={source.commit} /> of <span class="quiet">{repository(source.repository)}</span></>;
  if (removal) return <>Removal of the app{removal.data ? " with all its data" : ", without its data"}</>;
  if (job.contract_of) return <>Contraction of the data: what only versions before <a href={`/jobs/${job.contract_of}`}>the release that serves</a> work with goes, and no rollback leads to these afterwards</>;
  return <>Rollback to <a href={`/jobs/${job.rollback_of}`}>an earlier release</a></>;
}

/** Returns a name of the gate at which a job waits. It stays while the same gate waits for something else. */
export function gateOf({ gate, digest }: Held, traffic: TrafficView | undefined, before: string): string {
  if (gate !== "traffic") return gate;
  // A release has several of these gates. Which one it is, is known once its event came.
  if (traffic?.gate?.digest === digest) return `traffic ${traffic.gate.weight}`;
  return before.startsWith("traffic") ? before : "traffic";
}

/** What was done with what waits. */
function doneBy(job: Job, gate: string): string {
  if (gate === "clone") return "Nothing of the commit was fetched or run.";
  if (gate === "traffic") return "The new version runs beside the one before. Requests are shared as they are until then.";
  return job.source ? "Built and tested. Nothing is applied yet." : "Nothing is changed yet.";
}

/** `weight` is the percentage of requests at a gate before a larger share. `null` means that it is not known. */
export function Approval({ job, weight, changed }: { job: Job; weight: number | null; changed: () => void }) {
  const [seen, setSeen] = useState(job.held?.digest ?? "");
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [asks, setAsks] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const approve = useRef<HTMLButtonElement>(null);
  const { held } = job;
  // A gate that the page comes to later is looked at for the first time.
  useEffect(() => { if (held && !seen) setSeen(held.digest); }, [held?.digest]);
  if (!held || job.ended) return null;
  const { gate, digest, until } = held;
  const isOther = !!seen && seen !== digest;
  const isTraffic = gate === "traffic";
  const what = !isTraffic ? `its ${gate}` : weight === null ? "more requests" : `${weight} % of requests`;
  const send = async (what: "approve" | "reject") => {
    setBusy(true);
    setFailure(undefined);
    try {
      await post(`/api/jobs/${encodeURIComponent(job.id)}/${what}`, { digest: seen, note: note.trim() });
    } catch (error) {
      if (error instanceof Failure) setFailure(error);
    }
    setBusy(false);
    // Also after an error: somebody else was faster, or something else waits by now.
    changed();
  };
  const left = (until ?? 0) - now.value;
  return (
    <section class="card approval" aria-label="Approval">
      <div class="approval-head"><Icon name="waiting" size={20} />
        <div><h2>Waits for approval of {what}</h2>
          <p class="quiet">{doneBy(job, gate)}</p></div></div>
      <dl class="facts">
        <div class="fact"><dt>What</dt><dd><Waiting job={job} /></dd></div>
        {job.contract_of && <div class="fact"><dt>Runs</dt><dd><code>{job.contract_command.join(" ")}</code></dd></div>}
        <div class="fact"><dt>Asked for by</dt><dd>{job.principal}</dd></div>
        <div class="fact"><dt>Until</dt><dd>{until ? <>{clock(until)}{left < SOON && <span class="quiet"> (in {duration(left)})</span>}</> : "—"}</dd></div>
        <div class="fact digest"><dt>Digest</dt><dd><code title={digest}>{digest.slice(0, 16)}</code> <Copy text={digest} label="Copy the digest" /></dd></div>
      </dl>
      {job.removal && may("deploy", job.app.project) && <RemovalPlan app={job.app} data={job.removal.data} />}
      {isOther && (
        <div class="other" role="alert">
          <p><b>Something else waits by now.</b> You looked at <code>{seen.slice(0, 16)}</code>, and it is <code>{digest.slice(0, 16)}</code>. Look at the changes again.</p>
          <button type="button" onClick={() => { setSeen(digest); setFailure(undefined); approve.current?.focus(); }}>I look at the new one</button>
        </div>
      )}
      {may("approve", job.app.project) ? (
        <form class="decide" onSubmit={(event) => { event.preventDefault(); if (!isOther && !busy) void send("approve"); }}>
          <Note id="note" value={note} set={setNote} />
          <button type="button" class="danger" disabled={busy || isOther} onClick={() => setAsks(true)}>Reject</button>
          <button ref={approve} type="submit" class="primary" disabled={busy || isOther}>{busy ? "Sending …" : "Approve"}</button>
        </form>
      ) : (
        <div><p class="quiet">You may look, and not approve. Whoever has the verb <code>approve</code> may, here or by</p>
          <Command>{`windlass approve ${job.id} --digest ${digest}`}</Command></div>
      )}
      {failure && <Problem failure={failure} />}
      {asks && (
        <Dialog title="Reject this job?" onClose={() => setAsks(false)}>
          <p>{isTraffic ? "It ends, and all requests go back to the version before." : "It ends, and what serves now goes on serving."} Another job can be submitted.</p>
          <div class="dialog-actions">
            <button type="button" onClick={() => setAsks(false)}>Leave it</button>
            <button type="button" class="danger" disabled={busy} onClick={() => { setAsks(false); void send("reject"); }}>Reject job</button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
