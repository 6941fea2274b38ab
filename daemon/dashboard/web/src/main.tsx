// The page: who is logged in, and which page the address leads to.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure, get, me } from "./api";
import { AppPage } from "./pages/app";
import { ClustersPage } from "./pages/clusters";
import { DeliveriesPage } from "./pages/deliveries";
import { JobPage } from "./pages/job";
import { JobsPage } from "./pages/jobs";
import { LoginPage } from "./pages/login";
import { OutboxPage } from "./pages/outbox";
import { OwnPage } from "./pages/own";
import { PluginsPage } from "./pages/plugins";
import { PreviewsPage } from "./pages/previews";
import { ProjectPage } from "./pages/project";
import { ProjectsPage } from "./pages/projects";
import { go, path } from "./route";
import { Shell } from "./shell";
import type { Me } from "./types";
import { Empty, Problem } from "./ui/parts";

function Page() {
  const parts = path.value.split("/").filter(Boolean).map(decodeURIComponent);
  const [first, name = "", kind, app = "", environment = ""] = parts;
  if (!first) return <ProjectsPage />;
  if (first === "jobs") return name ? <JobPage key={name} id={name} /> : <JobsPage />;
  if (first === "plugins") return <PluginsPage />;
  if (first === "clusters") return <ClustersPage />;
  if (first === "projects" && name) {
    if (!kind) return <ProjectPage key={name} name={name} />;
    if (kind === "previews") return <PreviewsPage key={name} project={name} />;
    if (kind === "deliveries") return <DeliveriesPage key={name} project={name} />;
    if (kind === "outbox") return <OutboxPage key={name} project={name} />;
    if (kind === "own") return <OwnPage key={name} project={name} />;
    if (kind === "apps" && app && environment) {
      return <AppPage key={path.value} app={{ project: name, name: app, environment }} />;
    }
  }
  return <Empty title="There is no such page"><p><a href="/">To the projects</a></p></Empty>;
}

function Root() {
  const [failure, setFailure] = useState<Failure>();
  const known = me.value;
  const ask = () => {
    setFailure(undefined);
    get<Me>("/api/me").then((answer) => { me.value = answer; }, (error: unknown) => {
      if (error instanceof Failure && error.status !== 401) setFailure(error);
    });
  };
  const isLogin = path.value === "/login";
  useEffect(() => { if (known === undefined && !isLogin) ask(); }, [known === undefined, isLogin]);
  useEffect(() => {
    if (known === null && !isLogin) go(`/login?to=${encodeURIComponent(location.pathname + location.search + location.hash)}`, true);
  }, [known, isLogin]);
  if (isLogin) return <LoginPage />;
  if (failure) return <main class="alone"><Problem failure={failure} again={ask} /></main>;
  if (!known) return null;
  return <Shell><Page /></Shell>;
}

const root = document.getElementById("app");
if (root) render(<Root />, root);
