// Hooks of a project: which repository calls, and when it did last.

import { useLoad } from "../load";
import type { Hook } from "../types";
import { Ago, Badge, Command, Problem } from "./parts";

/** Hooks that are shown at once. Of more, the deliveries below would be out of sight. */
const AT_ONCE = 3;

function Row({ hook }: { hook: Hook }) {
  return (
    <li class="row">
      <Badge state={hook.seen ? "called" : "uncalled"} />
      <div class="row-main">
        <span class="row-title"><b>{hook.repository}</b></span>
        <span class="row-note"><code class="clip" title={hook.url || hook.path}>{hook.url || hook.path}</code></span>
      </div>
      <div class="row-side">
        <span class="quiet">made <Ago at={hook.created} /> by {hook.by}</span>
        {hook.seen && <span>called <Ago at={hook.seen} /></span>}
      </div>
    </li>
  );
}

export function Hooks({ project }: { project: string }) {
  const { data, failure, again } = useLoad<Hook[]>(`/api/projects/${encodeURIComponent(project)}/hooks`, 30_000);
  if (!data) return failure ? <Problem failure={failure} again={again} /> : null;
  if (!data.length) return null;
  const last = Math.max(...data.map((hook) => hook.seen ?? 0));
  return (
    <details class="hooks" open={data.length <= AT_ONCE}>
      <summary><h2>Hooks</h2> <span class="quiet">{data.length}, {last ? <>called last <Ago at={last} /></> : "never called"}</span></summary>
      <ul class="rows">{data.map((hook) => <Row key={hook.id} hook={hook} />)}</ul>
      {!last && <div class="commands"><Command>{`windlass hook test ${project} main`}</Command></div>}
    </details>
  );
}
