// Registries and clusters that a project brings: which there are, who put them, and whether they work now. They are put
// and removed on the command line, which has the files with their secrets.

import { useEffect, useState } from "preact/hooks";
import { Failure, may, post } from "../api";
import { useLoad } from "../load";
import { projectPath } from "../route";
import { Crumbs } from "../shell";
import { title } from "../title";
import type { CheckedCluster, OwnCluster, Registry, RegistryAccount, TestedRegistry } from "../types";
import { putCluster, putRegistry } from "../ui/commands";
import { Ago, Badge, Command, Problem, Skeleton } from "../ui/parts";
import { ProjectTabs } from "./project";

interface Tried<T> { busy: boolean; found?: T; failure?: Failure }

/** A test that a person begins, and what came of it. */
function useTest<T>(address: string) {
  const [tried, setTried] = useState<Tried<T>>({ busy: false });
  const run = async () => {
    setTried({ busy: true });
    try {
      setTried({ busy: false, found: await post<T>(address, {}) });
    } catch (error) {
      setTried({ busy: false, failure: error instanceof Failure ? error : new Failure(0, "failed", String(error), []) });
    }
  };
  return { ...tried, run };
}

function TestButton({ of, busy, run }: { of: string; busy: boolean; run: () => void }) {
  // One that is disabled would lose the keyboard.
  return <button type="button" aria-disabled={busy} aria-label={`Test ${of}`} onClick={() => { if (!busy) run(); }}>{busy ? "Testing …" : "Test"}</button>;
}

function Put({ version, at, by }: { version: number; at: number | null; by: string }) {
  return <p class="quiet">Version {version}, put <Ago at={at} /> by {by}</p>;
}

function Change({ put, remove }: { put: string; remove: string }) {
  return (
    <details>
      <summary>Change or remove</summary>
      <div class="commands"><Command>{put}</Command><Command>{remove}</Command></div>
    </details>
  );
}

const login = (account: RegistryAccount) => (account.plugin ? `plugin ${account.plugin}` : `user ${account.user}`);

function RegistryCard({ registry }: { registry: Registry }) {
  const { project, host, images, push, pull, version, by, at, finding } = registry;
  const test = useTest<TestedRegistry>(`/api/projects/${encodeURIComponent(project)}/registries/${encodeURIComponent(host)}/test`);
  return (
    <article class="card part own">
      <header><h3><code>{host}</code></h3>
        {may("registries", project) && <span class="head-end"><TestButton of={host} busy={test.busy} run={test.run} /></span>}</header>
      <Put version={version} at={at} by={by} />
      <dl>
        <div class="fact"><dt>Images</dt><dd>{images ? <>pushed below <code>{images}</code></> : "only pulled from here"}</dd></div>
        {push && <div class="fact"><dt>Login to push</dt><dd>{login(push)}</dd></div>}
        <div class="fact"><dt>Login to pull</dt><dd>{pull ? login(pull) : "as for pushes"}</dd></div>
      </dl>
      {finding && <div class="finding"><Badge state="finding" text="Put unchecked" /><p>{finding}</p></div>}
      <div class="tested" role="status">
        {test.found && !test.found.findings.length && <Badge state="reached" text="All logins work" />}
        {test.found?.findings.map((one) => (
          <div class="finding" key={one.login}><Badge state="away" text={`${one.login} fails`} />
            <p>{one.message}{one.fix && <span class="fix">{one.fix}</span>}</p></div>
        ))}
      </div>
      {test.failure && <Problem failure={test.failure} />}
      <Change put={putRegistry(registry)} remove={`windlass registry remove ${project} ${host}`} />
    </article>
  );
}

function Found({ found }: { found: CheckedCluster }) {
  const lacks = found.missing_roles.length > 0;
  return (
    <>
      <div class="finding"><Badge state={lacks ? "away" : "reached"} text={lacks ? "Rights are missing" : "Answers"} />
        <p>Kubernetes {found.kubernetes}{lacks && ": a deploy needs what this grants"}</p></div>
      {found.missing_roles.map((role) => <pre class="code role" tabIndex={0} aria-label="Role that is missing" key={role}>{role}</pre>)}
      {found.warnings.map((warning) => <div class="finding" key={warning}><Badge state="finding" text="Warning" /><p>{warning}</p></div>)}
    </>
  );
}

function ClusterCard({ cluster }: { cluster: OwnCluster }) {
  const { project, name, environments, pod_security, server, version, by, at } = cluster;
  const test = useTest<CheckedCluster>(`/api/projects/${encodeURIComponent(project)}/clusters/${encodeURIComponent(name)}/test`);
  return (
    <article class="card part own">
      <header><h3>{name}</h3>
        {may("clusters", project) && <span class="head-end"><TestButton of={name} busy={test.busy} run={test.run} /></span>}</header>
      <Put version={version} at={at} by={by} />
      <dl>
        <div class="fact"><dt>API server</dt><dd><code>{server}</code></dd></div>
        <div class="fact"><dt>Environments</dt><dd>{environments.join(", ") || "all"}</dd></div>
        <div class="fact"><dt>Pod security</dt><dd>{pod_security}</dd></div>
      </dl>
      <div class="tested" role="status">{test.found && <Found found={test.found} />}</div>
      {test.failure && <Problem failure={test.failure} />}
      <Change put={putCluster(cluster)} remove={`windlass cluster remove ${project} ${name}`} />
    </article>
  );
}

export function OwnPage({ project }: { project: string }) {
  const base = `/api/projects/${encodeURIComponent(project)}`;
  const registries = useLoad<Registry[]>(`${base}/registries`, 60_000);
  const clusters = useLoad<OwnCluster[]>(`${base}/clusters`, 60_000);
  useEffect(() => title(`Registries and clusters of ${project}`), [project]);
  const failure = registries.failure ?? clusters.failure;
  const again = () => { registries.again(); clusters.again(); };
  const isLoading = !failure && !(registries.data && clusters.data);
  return (
    <div class="page">
      <Crumbs of={[["Projects", "/"], [project, projectPath(project)]]} />
      <div class="page-head"><h1>Registries and clusters</h1><span class="quiet">of the project's own</span></div>
      <ProjectTabs name={project} here="own" />
      {failure && <Problem failure={failure} again={again} />}
      {isLoading && <Skeleton />}
      {!isLoading && registries.data && (
        <section>
          <h2>Registries</h2>
          {registries.data.length
            ? <div class="cards wide">{registries.data.map((one) => <RegistryCard key={`${one.host} ${one.version}`} registry={one} />)}</div>
            : <div class="card own"><p>None: images go to the operator's registry. Where the operator allows it, bring one:</p>
              <Command>{`windlass registry put ${project} HOST --images HOST/PATH --push-user USER --push-password-file FILE`}</Command></div>}
        </section>
      )}
      {!isLoading && clusters.data && (
        <section>
          <h2>Clusters</h2>
          {clusters.data.length
            ? <div class="cards wide">{clusters.data.map((one) => <ClusterCard key={`${one.name} ${one.version}`} cluster={one} />)}</div>
            : <div class="card own"><p>None: jobs go to the operator's clusters. Where the operator allows it, bring one:</p>
              <Command>{`windlass cluster put ${project} NAME --kubeconfig FILE`}</Command></div>}
        </section>
      )}
    </div>
  );
}
