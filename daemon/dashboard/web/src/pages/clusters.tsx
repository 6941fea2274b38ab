// Clusters of the operator.

import { useEffect } from "preact/hooks";
import { useLoad } from "../load";
import { title } from "../title";
import type { Cluster } from "../types";
import { Problem, Skeleton } from "../ui/parts";

const names = (all: string[], kind: string) => (all.length ? all.join(", ") : `all ${kind}`);

export function ClustersPage() {
  const { data, failure, again } = useLoad<Cluster[]>("/api/clusters");
  useEffect(() => title("Clusters"), []);
  if (!data) return failure ? <Problem failure={failure} again={again} /> : <Skeleton />;
  return (
    <div class="page">
      <div class="page-head"><h1>Clusters</h1><span class="quiet">in the order of rollouts</span></div>
      <div class="cards">
        {data.map((cluster) => (
          <article class="card" key={cluster.name}>
            <header><h3>{cluster.name}</h3></header>
            <p>For {names(cluster.projects, "projects")}, in {names(cluster.environments, "environments")}.</p>
          </article>
        ))}
      </div>
    </div>
  );
}
