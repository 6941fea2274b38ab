// The share of requests that a release has, in the row of its job.

import { useEffect, useRef } from "preact/hooks";
import { useLoad } from "../load";
import type { Event, Job } from "../types";

/** Events at the end of a job that are looked at first: a hold has one for each measurement. */
const TAIL = 1000;

/** Events of one answer. */
const MOST = 2000;

/** Returns whether the release of a job may be on its way from one version to the other. */
export const isReleasing = (job: Job) => job.stage === "release" && (job.state === "running" || job.state === "held");

function words(byCluster: Map<string, number>): string {
  return [...byCluster].map(([cluster, weight]) => `${weight} % of requests${cluster && cluster !== "default" ? ` in ${cluster}` : ""}`).join(", ");
}

export function Weight({ job }: { job: Job }) {
  const { id, last_seq } = job;
  const after = useRef(Math.max(0, last_seq - TAIL));
  // One answer would not have the newest events.
  if (last_seq - after.current > MOST) after.current = last_seq - TAIL;
  const address = `/api/jobs/${encodeURIComponent(id)}/events?after=${after.current}&limit=${MOST}`;
  const { data, again } = useLoad<{ events: Event[] }>(address);
  const seen = useRef(last_seq);
  useEffect(() => {
    if (seen.current === last_seq) return;
    seen.current = last_seq;
    again();
  }, [last_seq]);
  // The last share in each cluster. It stays while the next answer is on its way, and where that has none.
  const last = useRef(new Map<string, number>()).current;
  for (const { cluster, weight } of (data?.events ?? []).flatMap((event) => event.traffic_shifted ?? [])) last.set(cluster, weight);
  const weights = words(last);
  return weights ? <span class="num">{weights}</span> : null;
}
