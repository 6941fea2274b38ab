// The frame of all pages: the bar on top, and the login where nobody is logged in.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { me, operates, post } from "./api";
import { live } from "./live";
import { go, path } from "./route";
import { Icon, Mark } from "./ui/icons";

function Tab({ to, children }: { to: string; children: string }) {
  const isHere = to === "/" ? path.value === "/" || path.value.startsWith("/projects") : path.value.startsWith(to);
  return <a href={to} aria-current={isHere ? "page" : undefined}>{children}</a>;
}

function Connection() {
  const words = { off: "", live: "Live", reconnecting: "Reconnecting" };
  if (live.value === "off") return null;
  return <span class={`live ${live.value}`} role="status"><i />{words[live.value]}</span>;
}

async function leave(everywhere: boolean): Promise<void> {
  await post("/logout", { everywhere }).catch(() => undefined);
  me.value = null;
  go("/login");
}

function Account() {
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: globalThis.Event) => {
      const isKey = event instanceof KeyboardEvent;
      if (isKey ? event.key === "Escape" : !ref.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("click", outside);
    addEventListener("keydown", outside);
    return () => { removeEventListener("click", outside); removeEventListener("keydown", outside); };
  }, [open]);
  const caller = me.value;
  if (!caller) return null;
  return (
    <div class="account" ref={ref}>
      <button type="button" class="plain" aria-expanded={open} onClick={() => setOpen(!open)}>
        {caller.name}<Icon name="down" size={12} />
      </button>
      {open && (
        <div class="menu">
          <p class="quiet">{caller.verbs.join(", ")}<br />in {caller.projects.includes("*") ? "all projects" : caller.projects.join(", ")}</p>
          <p class="quiet">Windlass {caller.version}</p>
          {caller.session && <button type="button" onClick={() => leave(false)}>Log out</button>}
          {caller.session && <button type="button" onClick={() => leave(true)}>Log out everywhere</button>}
        </div>
      )}
    </div>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      <header class="bar">
        <a class="brand" href="/"><Mark /><span>Windlass</span></a>
        <nav aria-label="Main">
          <Tab to="/">Projects</Tab>
          <Tab to="/jobs">Jobs</Tab>
          {operates() && <Tab to="/plugins">Plugins</Tab>}
          {operates() && <Tab to="/clusters">Clusters</Tab>}
        </nav>
        <div class="bar-end"><Connection /><Account /></div>
      </header>
      <main id="main" tabIndex={-1}>{children}</main>
    </>
  );
}

/** Links to what a page is within. */
export function Crumbs({ of }: { of: [string, string][] }) {
  return (
    <nav class="crumbs" aria-label="Breadcrumb">
      {of.map(([name, to]) => <span key={to}><a href={to}>{name}</a><Icon name="right" size={11} /></span>)}
    </nav>
  );
}
