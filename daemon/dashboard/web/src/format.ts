// Times, sizes and ids for people.

import { signal } from "@preact/signals";
import type { App } from "./types";

/** The daemon's time in seconds since 1970, a new value each second while the page is seen. */
export const now = signal(Date.now() / 1000);

/** Seconds by which the daemon's clock is ahead of this machine's. Holds and approvals end by the daemon's. */
let ahead = 0;

const tell = () => { now.value = Date.now() / 1000 + ahead; };

setInterval(() => { if (!document.hidden) tell(); }, 1000);
document.addEventListener("visibilitychange", tell);

/** Takes the `date` of an answer of the daemon. It has whole seconds, and comes late: a small difference is none. */
export function heard(date: string | null): void {
  const found = Date.parse(date ?? "") / 1000 - Date.now() / 1000;
  if (!(Math.abs(found - ahead) > 2)) return;
  ahead = Math.abs(found) < 5 ? 0 : found;
  tell();
}

export function duration(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 10) return `${whole.toFixed(1)} s`;
  if (whole < 60) return `${Math.floor(whole)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(whole % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`;
}

export function ago(seconds: number): string {
  const past = seconds < 45 ? "just now" : "";
  if (past) return past;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  if (hours < 36) return `${hours} h ago`;
  return `${Math.round(hours / 24)} d ago`;
}

export function clock(at: number): string {
  return new Date(at * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1 << 20) return `${(size / 1024).toFixed(0)} KiB`;
  return `${(size / (1 << 20)).toFixed(1)} MiB`;
}

export const short = (commit: string) => commit.slice(0, 10);
export const appName = (app: App) => `${app.project}/${app.name}`;

/** Returns a repository without its scheme. */
export const repository = (url: string) => url.replace(/^[a-z]+:\/\//, "").replace(/\.git$/, "");

export const plural = (count: number, word: string, many = `${word}s`) => `${count.toLocaleString()} ${count === 1 ? word : many}`;
