// The page's own addresses: links change the address and load nothing.

import { computed, signal } from "@preact/signals";
import type { App } from "./types";

const here = () => location.pathname + location.search;
const current = signal(here());

export const path = computed(() => current.value.split("?")[0] ?? "/");
export const params = computed(() => new URLSearchParams(current.value.split("?")[1] ?? ""));

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  current.value = here();
  if (!replace) {
    scrollTo(0, 0);
    // Readers of the screen begin at the new page, and not where the link was.
    requestAnimationFrame(() => document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true }));
  }
}

/** Sets fields of the address's query, and keeps the others. */
export function setParams(fields: Record<string, string>): void {
  const next = new URLSearchParams(params.value);
  for (const [key, value] of Object.entries(fields)) {
    if (value) next.set(key, value);
    else next.delete(key);
  }
  const text = next.toString();
  go(text ? `${path.value}?${text}` : path.value, true);
}

addEventListener("popstate", () => { current.value = here(); });

addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const raw = link.dataset.raw !== undefined || link.target || link.origin !== location.origin;
  if (raw || (link.hash && link.pathname === location.pathname)) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

const part = encodeURIComponent;
export const jobPath = (id: string) => `/jobs/${part(id)}`;
export const projectPath = (name: string) => `/projects/${part(name)}`;
export const appPath = (app: App) => `${projectPath(app.project)}/apps/${part(app.name)}/${part(app.environment)}`;
export const appApi = (app: App) => `/api/apps/${part(app.project)}/${part(app.name)}/${part(app.environment)}`;
