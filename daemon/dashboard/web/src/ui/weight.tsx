// The share of requests that a release has, in the row of its job.

import { useEffect, useRef } from "preact/hooks";
import { useLoad } from "../load";
import type { Event, Job, Shifted } from "../types";

/** Events at the end of a job that are looked at: a hold has few. */
const TAIL = 300;

/** Returns whether the release of a job may be on its way from one version to the other. */
export const isReleasing = (job: Job) => job.stage === "release" && (job.state === "running" || job.state === "held");

function words(shifted: Shifted[]): string {
  // The last share in each cluster.
  const byCluster = new Map(shifted.map(({ cluster, weight }) => [cluster, weight]));
  return [...byCluster].map(([cluster, weight]) => `${weight} % of requests${cluster && cluster !== "default" ? ` in ${cluster}` : ""}`).join(", ");
}

export function Weight({ job }: { job: Job }) {
  const { id, last_seq } = job;
  // The same address each time, so that what is shown stays while the next answer is on its way.
  const after = useRef(Math.max(0, last_seq - TAIL)).current;
  const { data, again } = useLoad<{ events: Event[] }>(`/api/jobs/${encodeURIComponent(id)}/events?after=${after}&limit=2000`);
  const seen = useRef(last_seq);
  useEffect(() => {
    if (seen.current === last_seq) return;
    seen.current = last_seq;
    again();
  }, [last_seq]);
  const weights = words((data?.events ?? []).flatMap((event) => event.traffic_shifted ?? []));
  return weights ? <span class="num">{weights}</span> : null;
}
