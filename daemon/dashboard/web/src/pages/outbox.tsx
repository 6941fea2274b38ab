// Messages to forges and endpoints, with what came back.

import { useEffect, useState } from "preact/hooks";
import { Failure, may, post, query } from "../api";
import { useLoad, usePages } from "../load";
import { now, duration, plural, short } from "../format";
import { jobPath, params, projectPath, setParams } from "../route";
import { Crumbs } from "../shell";
import { title } from "../title";
import type { Message, Messages } from "../types";
import { Ago, Badge, Empty, More, Problem, Skeleton } from "../ui/parts";
import { Unwell } from "../ui/unwell";
import { ProjectTabs } from "./project";

/** States of messages that somebody asked for: of each job most endpoints hear of its end alone. */
const ASKED = "waiting,done,dead";

const STATES: [string, string][] = [["", "All"], ["waiting", "Waiting"], ["dead", "Given up"], ["done", "Delivered"], ["void", "Dropped"]];

function Came({ message }: { message: Message }) {
  const answer = message.code ? `answered ${message.code}` : "";
  const tries = message.attempts ? plural(message.attempts, "attempt") : "";
  const next = message.state === "waiting" && message.attempts > 0
    ? ((message.next ?? 0) > now.value ? `next in ${duration((message.next ?? 0) - now.value)}` : "next at once") : "";
  return <span class="row-note">{[answer, tries, next].filter(Boolean).join(", ")} {message.error && <span class="clip">{message.error}</span>}</span>;
}

/** What a message is about: a moment of its job, an endpoint that takes none, or a preview. */
function About({ message: { kind, context, moment, job, commit } }: { message: Message }) {
  const link = (text: string) => <a href={jobPath(job)}>{text}</a>;
  // The job is one of those that the endpoint did not hear of.
  if (kind === "notice") return <span class="quiet">endpoint <code>{context}</code> is {moment} · {link("a job")}</span>;
  if (kind === "preview") return <span class="quiet">{link(`preview ${context} ${moment}`)}</span>;
  return <span class="quiet">{link(kind === "deployment-end" ? "app removed" : `job ${moment}`)}{commit && <> at <code>{short(commit)}</code></>}</span>;
}

/** Kinds whose context is what they are about, and stands there. */
const ABOUT_CONTEXT = ["notice", "preview"];

export function OutboxPage({ project }: { project: string }) {
  const state = params.value.get("state") ?? "";
  const base = `/api/projects/${encodeURIComponent(project)}/outbox`;
  const address = query(base, { state: state || ASKED });
  const { data, failure, again } = useLoad<Messages>(address, 10_000);
  const older = usePages<Message>(address, data?.next);
  const [trouble, setTrouble] = useState<Failure>();
  useEffect(() => title(`Outbox of ${project}`), [project]);
  const replay = async (id: string) => {
    try {
      setTrouble(undefined);
      await post(`${base}/${encodeURIComponent(id)}/replay`, {});
      again();
    } catch (error) {
      if (error instanceof Failure) setTrouble(error);
    }
  };
  const all = [...(data?.items ?? []), ...older.items];
  return (
    <div class="page">
      <Crumbs of={[["Projects", "/"], [project, projectPath(project)]]} />
      <div class="page-head"><h1>Outbox</h1></div>
      <ProjectTabs name={project} here="outbox" />
      {data && <Unwell project={project} all={data.unwell} />}
      <div class="filters"><div class="segments" role="group" aria-label="State">
        {STATES.map(([value, text]) => <button type="button" key={value} aria-pressed={state === value} onClick={() => setParams({ state: value })}>{text}</button>)}
      </div></div>
      {(trouble ?? failure) && <Problem failure={(trouble ?? failure) as Failure} />}
      {!data && !failure && <Skeleton />}
      {data && !all.length && (
        <Empty title={state ? "No message is so" : "Nobody was sent anything"}>
          <p>Commit statuses and your endpoints are in the project's file: a repository's <code>forge</code>, and <code>[endpoints.NAME]</code>.</p>
        </Empty>
      )}
      <ul class="rows">
        {all.map((message) => (
          <li class="row" key={message.id}>
            <Badge state={message.state} text={message.state === "waiting" ? "Waiting" : undefined} />
            <div class="row-main">
              <span class="row-title"><b>{message.receiver}</b> <span class="tag">{message.kind}</span> {message.context && !ABOUT_CONTEXT.includes(message.kind) && <code>{message.context}</code>}</span>
              <Came message={message} />
            </div>
            <div class="row-side">
              <About message={message} />
              <Ago at={message.created} />
              {may("projects", project) && (message.state === "dead" || message.state === "done")
                && <button type="button" onClick={() => replay(message.id)}>Send again</button>}
            </div>
          </li>
        ))}
      </ul>
      {older.hasMore && <More busy={older.busy} load={older.load} />}
    </div>
  );
}
