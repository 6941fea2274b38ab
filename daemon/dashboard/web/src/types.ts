// What the API sends: the messages of windlass.proto as JSON, and a few shapes of the dashboard's own.

export type State = "waiting" | "running" | "held" | "rolling_back" | "succeeded" | "failed" | "stopped";
export type Stage = "clone" | "detect" | "build" | "test" | "push" | "release" | "hooks";
export const STAGES: Stage[] = ["clone", "detect", "build", "test", "push", "release", "hooks"];

export interface App { project: string; name: string; environment: string }

export interface Source {
  repository: string; commit: string; branch: string; directory: string; revision: string;
}

export interface Diagnosis {
  code: string; stage: Stage | ""; subject: string; what: string; why: string;
  fixes: string[]; command: string; evidence: string[]; reference: string;
}

export interface Release {
  id: string; app: App; commit: string; image: string; digest: string;
  created: number | null; current: boolean; clusters: string[]; bytes: number;
}

export interface Ended {
  outcome: "succeeded" | "failed" | "stopped" | "";
  release: Release | null; diagnosis: Diagnosis | null; stop: string;
  /** Clusters that the app was removed from. Empty means that the job was no removal. */
  removed_from: string[];
  /** Clusters whose data was contracted; empty for any other job. */
  contracted_in: string[];
}

export interface Waiting {
  reason: string; sentence: string; job: string; clusters: string[];
  limit: number; taken: number; taken_by_project: number; before: number;
}

/** What a job waits for an approval of. */
export interface Held { gate: string; digest: string; until: number | null }

/** Who paused a release, and why. */
export interface Pause { by: string; note: string; at: number | null }

export interface Job {
  id: string; app: App; source: Source | null; rollback_of: string;
  /** The release whose data the job contracts; empty otherwise. */
  contract_of: string;
  /** Its argv; empty for other jobs. */
  contract_command: string[];
  labels: Record<string, string>; state: State; stage: Stage | "";
  created: number; principal: string; last_seq: number; ended: Ended | null;
  clusters: string[]; started: number | null; finished: number | null; waiting: Waiting | null;
  held?: Held | null;
  paused?: Pause | null;
  /** Set for a job that removes its app. */
  removal?: { data: boolean } | null;
}

export interface Endpoint { url: string; internal: boolean }

/** A share of the requests: the steps of the plan from `from` on and before `to`. */
export interface Share {
  weight: number; clusters: string[]; from: number; to: number; hold_seconds: number; gate: boolean; check: string | null;
}
export interface Metric { name: string; min: number | null; max: number | null; failures: number; inconclusive: number }

/** How the new version of a plan gets its requests. */
export interface Strategy {
  kind: "rolling" | "recreate" | "blue-green" | "canary"; traffic: "replicas" | "gateway" | "istio";
  shares: Share[]; metrics: Metric[]; keep_seconds: number;
}

/** The numbers of pods are there where they make the share. */
export interface Shifted { cluster: string; weight: number; new_pods: number | null; old_pods: number | null }
export interface Measured {
  cluster: string; metric: string; value: number | null; result: "well" | "failed" | "inconclusive"; detail: string;
}

export interface TestCase { suite: string; name: string; message: string; file: string; line: number }

// One of the optional fields is set: the one that `kind` names.
export interface Event {
  seq: number; at: number; stage: Stage | ""; kind: string; sentence: string;
  log?: { source: string; line: string };
  cloned?: { commit: string; author: string; summary: string; authored: number | null };
  build_step?: { name: string; cached: boolean; ms: number; error: string };
  decided?: { subject: string; value: string; evidence: string[] };
  warning?: { message: string; fix: string };
  retrying?: { attempt: number; after_ms: number; reason: string };
  tested?: { runner: string; passed: number; failed: number; skipped: number; failures: TestCase[] };
  skipped?: { reason: string };
  held?: Held;
  pushed?: { image: string; digest: string; bytes: number };
  /** `previous` has the releases that serve after the rollback. */
  planned?: {
    forward: string[]; rollback: string[]; previous?: Release[]; strategies?: string[];
    switch_step: number | null; last_check_step: number | null; last_measured_step: number | null;
  };
  /** Beside `planned`, where two versions share the requests. */
  strategy?: Strategy;
  traffic_shifted?: Shifted;
  holding?: { until: number | null };
  measured?: Measured;
  paused?: { by: string; note: string };
  resumed?: { by: string; note: string };
  kept?: { cluster: string; until: number | null };
  step?: { index: number; rollback: boolean; done: boolean; description: string; notify: boolean };
  rollout?: { ready: number; desired: number; cluster: string };
  serving?: { cluster: string; endpoints: Endpoint[] };
  rolling_back?: Ended;
  ended?: Ended;
}

export type Health = "" | "healthy" | "progressing" | "out_of_sync" | "degraded";

export interface Workload { kind: string; name: string; process: string; ready: number; desired: number }

export interface ClusterStatus {
  cluster: string; release: Release | null; principal: string; health: Health;
  workloads: Workload[]; endpoints: Endpoint[]; diagnosis: Diagnosis | null; unreachable: string;
}

export interface AppStatus { app: App; clusters: ClusterStatus[]; jobs: Job[] }

export interface Page<T> { items: T[]; next: string | null }
export interface Jobs extends Page<Job> { unreadable: { id: string; app: App; why: string }[] }

export interface ProjectFile { name: string; version: number; by: string; at: number | null; toml: string }
export interface ListedApp { app: App; releases: Release[]; last: Job | null }
export interface Project { name: string; file: ProjectFile | null; apps: ListedApp[] }

export interface Verdict {
  subject: string; trigger: string; outcome: "job" | "already" | "nothing" | "failed";
  sentence: string; job: string; fix: string;
}

export interface Delivery {
  id: string; hook: string; project: string; repository: string; event: string; sender: string;
  subjects: string[]; at: number; verdicts: Verdict[];
}

export interface Message {
  id: string; kind: string; receiver: string; context: string; commit: string; moment: string;
  job: string; state: "waiting" | "done" | "dead" | "void"; created: number; attempts: number;
  next: number | null; code: number; error: string;
}

/** An endpoint that takes no messages. */
export interface UnwellEndpoint { name: string; health: "failing" | "disabled"; why: string; since: number | null }
export interface Messages extends Page<Message> { unwell: UnwellEndpoint[] }

export interface Hook {
  id: string; repository: string; path: string; url: string; created: number | null; by: string; seen: number | null;
}

/** A login of a registry, without what is secret. */
export interface RegistryAccount { user: string; plugin: string; settings: Record<string, unknown> | null }
export interface Registry {
  project: string; host: string; images: string; push: RegistryAccount | null; pull: RegistryAccount | null;
  version: number; by: string; at: number | null;
  /** What a check found when it was put. Empty means nothing. */
  finding: string;
}
export interface TestedRegistry { findings: { login: string; message: string; fix: string }[] }

export interface OwnCluster {
  project: string; name: string; version: number; environments: string[]; pod_security: string; server: string;
  by: string; at: number | null;
}
export interface CheckedCluster { kubernetes: string; missing_roles: string[]; warnings: string[] }

export interface Plugin {
  name: string; version: string; world: string; digest: string; path: string; markers: string[];
  languages: string[]; grants: string[]; calls: number; failures: number; disabled: string;
  not_granted: string[]; used: string[];
}

/** Answer of a part of the infrastructure. `why` is the reason for which it is not reached. */
export interface PartAnswer { version: string; why: string | null }
export interface BuilderPart extends PartAnswer { address: string }
export interface ClusterPart extends PartAnswer { name: string; projects: string[]; environments: string[] }
export interface Slots { kind: "checkout" | "build" | "release"; cluster: string | null; limit: number; taken: number; waiting: number }
export interface Parts {
  builder: BuilderPart; clusters: ClusterPart[]; slots: Slots[];
  jobs: { running: number; limit: number; waiting: number; held: number };
}

export interface Preview {
  app: App; state: "open" | "removed" | "closed"; repository: string; number: number; commit: string;
  pushed: number | null; until: number | null; removal: string;
}
export interface ListedPreview {
  preview: Preview; pull_page: string | null; release: Release | null; endpoints: Endpoint[]; last: Job | null;
}

export interface RemovedObject { object: string; cluster: string; stays: string }

export interface ObjectChange { object: string; verb: "create" | "update" | "keep" | "delete" | ""; lines: string[]; cluster: string }
export interface ClusterChanges {
  cluster: string; before: string | null; changes: ObjectChange[]; kept: number; left_out: number; why: string | null;
}
/** What a job changes. An empty digest means that nothing is built yet. */
export interface Changes { digest: string; clusters: ClusterChanges[] }

export interface LogHit { seq: number; stage: string; text: string }
export interface SearchPage { hits: LogHit[]; looked: number; next: number | null }

export interface Me { name: string; projects: string[]; verbs: string[]; version: string; session: boolean }
