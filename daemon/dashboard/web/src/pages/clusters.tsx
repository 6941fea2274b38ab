// Builders and clusters: what the daemon is connected to, whether it answers, and who uses the places for work.

import { useEffect } from "preact/hooks";
import { plural } from "../format";
import { useLoad } from "../load";
import { title } from "../title";
import type { PartAnswer, Parts, Slots } from "../types";
import { Badge, Command, Problem, Skeleton } from "../ui/parts";

const names = (all: string[], kind: string) => (all.length ? all.join(", ") : `all ${kind}`);

const KINDS: Record<string, string> = { checkout: "Checkouts", build: "Builds", release: "Releases" };

/** Slots of one kind: those taken as a bar, and who waits for one. */
function Use({ name, taken, limit, waiting }: { name: string; taken: number; limit: number; waiting: number }) {
  return (
    <div class="pods use"><span>{name}</span>
      <progress value={taken} max={Math.max(limit, 1)} aria-label={`${name}: places taken`} />
      <span class="num">{taken} of {limit}{waiting > 0 ? `, ${waiting} waiting` : ""}</span></div>
  );
}

const use = (slots: Slots) => <Use key={slots.kind} name={KINDS[slots.kind] ?? slots.kind} {...slots} />;

function Answer({ part, of }: { part: PartAnswer; of: string }) {
  return part.why === null
    ? <p>{of}{part.version && ` ${part.version}`}</p>
    : <p class="why-away">{part.why}</p>;
}

export function ClustersPage() {
  const { data, failure, again } = useLoad<Parts>("/api/infrastructure", 15_000);
  useEffect(() => title("Builders and clusters"), []);
  if (!data) return failure ? <Problem failure={failure} again={again} /> : <Skeleton />;
  const { builder, clusters, jobs, slots } = data;
  const state = (part: PartAnswer) => (part.why === null ? "reached" : "away");
  return (
    <div class="page">
      <div class="page-head"><h1>Builders and clusters</h1><span class="quiet">as they answer now</span></div>
      {failure && <Problem failure={failure} again={again} />}
      <section>
        <div class="section-head"><h2>Work</h2>
          <span class="quiet num">{[`${jobs.waiting} waiting`, jobs.held > 0 && `${plural(jobs.held, "job")} to approve`].filter(Boolean).join(", ")}</span></div>
        <div class="card uses">
          <Use name="Jobs" taken={jobs.running} limit={jobs.limit} waiting={0} />
          {slots.filter((slot) => slot.cluster === null).map(use)}
        </div>
      </section>
      <section>
        <h2>Builder</h2>
        <div class="cards">
          <article class="card part">
            <header><Badge state={state(builder)} /><h3><code>{builder.address}</code></h3></header>
            <Answer part={builder} of="BuildKit" />
            {builder.why !== null && <Command>windlassd check</Command>}
          </article>
        </div>
      </section>
      <section>
        <div class="section-head"><h2>Clusters</h2><span class="quiet">in the order of rollouts</span></div>
        <div class="cards">
          {clusters.map((cluster) => (
            <article class="card part" key={cluster.name}>
              <header><Badge state={state(cluster)} /><h3>{cluster.name}</h3></header>
              <Answer part={cluster} of="Kubernetes" />
              <p class="quiet">For {names(cluster.projects, "projects")}, in {names(cluster.environments, "environments")}.</p>
              {slots.filter((slot) => slot.cluster === cluster.name).map(use)}
            </article>
          ))}
        </div>
      </section>
    </div>
  );
}
