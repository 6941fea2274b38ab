// What forges reported, each with what came of it: the answer to "why was nothing deployed?".

import { useEffect, useState } from "preact/hooks";
import { Failure, may, post } from "../api";
import { useLoad, usePages } from "../load";
import { jobPath, projectPath } from "../route";
import { Crumbs } from "../shell";
import { title } from "../title";
import type { Delivery, Page, Verdict } from "../types";
import { Hooks } from "../ui/hooks";
import { Ago, Badge, Command, Empty, More, Problem, Skeleton } from "../ui/parts";
import { ProjectTabs } from "./project";

const plain = (ref: string) => ref.replace(/^refs\/(heads|tags)\//, "");

function Came({ verdict }: { verdict: Verdict }) {
  const { outcome, sentence, job, fix, subject, trigger } = verdict;
  return (
    <li>
      <Badge state={outcome} />
      <span>
        {sentence}{job && <> <a href={jobPath(job)}>Job</a></>}
        {(subject || trigger) && <span class="quiet"> {[plain(subject), trigger].filter(Boolean).join(" · ")}</span>}
        {fix && <span class="fix">{fix}</span>}
      </span>
    </li>
  );
}

export function DeliveriesPage({ project }: { project: string }) {
  const address = `/api/projects/${encodeURIComponent(project)}/deliveries`;
  const { data, failure, again } = useLoad<Page<Delivery>>(address, 10_000);
  const older = usePages<Delivery>(address, data?.next);
  const [trouble, setTrouble] = useState<Failure>();
  useEffect(() => title(`Deliveries of ${project}`), [project]);
  const replay = async (id: string) => {
    try {
      setTrouble(undefined);
      await post(`/api/deliveries/${encodeURIComponent(id)}/replay`, {});
      again();
    } catch (error) {
      if (error instanceof Failure) setTrouble(error);
    }
  };
  const all = [...(data?.items ?? []), ...older.items];
  return (
    <div class="page">
      <Crumbs of={[["Projects", "/"], [project, projectPath(project)]]} />
      <div class="page-head"><h1>Deliveries</h1></div>
      <ProjectTabs name={project} here="deliveries" />
      {(trouble ?? failure) && <Problem failure={(trouble ?? failure) as Failure} />}
      <Hooks project={project} />
      {!data && !failure && <Skeleton />}
      {data && !all.length && (
        <Empty title="No forge has reported anything">
          <p>A webhook tells Windlass of each push. Make one, and try it out:</p>
          <Command>{`windlass hook create ${project}`}</Command>
          <Command>{`windlass hook test ${project} main`}</Command>
        </Empty>
      )}
      <ul class="rows">
        {all.map((delivery) => (
          <li class="row tall" key={delivery.id}>
            <div class="row-main">
              <p class="row-title"><b>{delivery.hook ? delivery.event : "poll"}</b> {delivery.subjects.slice(0, 3).map((one) => <code key={one}>{plain(one)}</code>)}
                {delivery.subjects.length > 3 && <span class="quiet"> and {delivery.subjects.length - 3} more</span>}</p>
              <ul class="verdicts">
                {delivery.verdicts.map((verdict, index) => <Came key={index} verdict={verdict} />)}
                {!delivery.verdicts.length && <li><Badge state="looking" /></li>}
              </ul>
            </div>
            <div class="row-side">
              <span class="quiet">{delivery.repository}{delivery.sender && `, ${delivery.sender}`}</span>
              <Ago at={delivery.at} />
              {may("projects", project) && <button type="button" onClick={() => replay(delivery.id)}>Replay</button>}
            </div>
          </li>
        ))}
      </ul>
      {older.hasMore && <More busy={older.busy} load={older.load} />}
    </div>
  );
}
