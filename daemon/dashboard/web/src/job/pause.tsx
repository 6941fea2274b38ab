// A release that is under way: who paused it, and the buttons that pause, resume and abort it.

import { useState } from "preact/hooks";
import { Failure, may, post } from "../api";
import type { Job } from "../types";
import { Icon } from "../ui/icons";
import { Ago, Dialog, Problem, isOver } from "../ui/parts";
import type { View } from "./fold";
import { Note } from "./note";

/** `shares` means that two versions share the requests. */
export function Paused({ job, shares }: { job: Job; shares: boolean }) {
  const { paused } = job;
  if (!paused) return null;
  return (
    <div class="paused">
      <p><Icon name="paused" size={14} /> <b>Paused by {paused.by}</b> <span class="quiet"><Ago at={paused.at} /></span></p>
      {paused.note && <p class="note">{paused.note}</p>}
      <p class="quiet">Its release takes no further step{shares && ", and requests are shared as they are,"} until somebody resumes or aborts it.</p>
    </div>
  );
}

/** A release whose requests no two versions share: who paused it, and the same buttons. */
export function OnItsWay({ job, view, changed }: { job: Job; view: View; changed: () => void }) {
  const goesBack = view.rollingBack !== null || job.state === "rolling_back";
  // Once it is planned it is known that this is no release by shares. What is paused while it is built is seen, too.
  const isReleasing = job.state === "running" && job.stage === "release" && view.forward.length > 0 && !job.removal;
  const isSeen = !!job.paused || isReleasing;
  if (view.traffic.strategy || !isSeen || goesBack || job.ended || view.ended || isOver(job.state)) return null;
  if (!job.paused && !may("deploy", job.app.project)) return null;
  return (
    <section class="card strategy" aria-label="On its way">
      <Paused job={job} shares={false} />
      <Interventions job={job} shares={false} changed={changed} />
    </section>
  );
}

/** Buttons for those who may deploy. */
export function Interventions({ job, shares, changed }: { job: Job; shares: boolean; changed: () => void }) {
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [asks, setAsks] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  if (!may("deploy", job.app.project)) return null;
  const send = async (what: "pause" | "resume" | "abort") => {
    setBusy(true);
    setFailure(undefined);
    try {
      await post(`/api/jobs/${encodeURIComponent(job.id)}/${what}`, { note: note.trim() });
      setNote("");
    } catch (error) {
      if (error instanceof Failure) setFailure(error);
    }
    setBusy(false);
    // Also after an error: somebody else was faster, or the release has ended.
    changed();
  };
  const isPaused = !!job.paused;
  return (
    <>
      <div class="decide" role="group" aria-label="Pause or abort">
        <Note id="pause-note" value={note} set={setNote} />
        <button type="button" class={isPaused ? "primary" : ""} disabled={busy} onClick={() => void send(isPaused ? "resume" : "pause")}>
          {isPaused ? "Resume" : "Pause"}</button>
        {/* Before a release there is nothing to put back, nor after a removal: such a job is cancelled. */}
        {job.stage === "release" && !job.removal && <button type="button" class="danger" disabled={busy} onClick={() => setAsks(true)}>Abort …</button>}
      </div>
      {failure && <Problem failure={failure} />}
      {asks && (
        <Dialog title="Abort this release?" onClose={() => setAsks(false)}>
          <ul class="plain-list">
            <li>{job.contract_of ? "The release serves as it did. A command that has begun runs to its end." : shares ? "All requests go back to the version before, whose pods still run. The new version's pods end." : "What ran before is put back."}</li>
            <li>The job ends as stopped. What a migration did to data stays.</li>
          </ul>
          <div class="decide"><Note id="abort-note" value={note} set={setNote} /></div>
          <div class="dialog-actions">
            <button type="button" onClick={() => setAsks(false)}>Leave it</button>
            <button type="button" class="danger" disabled={busy} onClick={() => { setAsks(false); void send("abort"); }}>Abort release</button>
          </div>
        </Dialog>
      )}
    </>
  );
}
