// Requests to the daemon. An answer of 401 leads to the login.

import { signal } from "@preact/signals";
import { heard } from "./format";
import type { Me } from "./types";

/** Error of a request, with what to do about it. */
export class Failure extends Error {
  constructor(readonly status: number, readonly reason: string, message: string, readonly fixes: string[]) {
    super(message);
  }
}

/** The caller. `undefined` means that it is not known yet, `null` that nobody is logged in. */
export const me = signal<Me | null | undefined>(undefined);

/** Returns whether the caller has a verb in a project. The daemon decides it once more. */
export function may(verb: string, project: string): boolean {
  const caller = me.value;
  return !!caller && caller.verbs.includes(verb)
    && (caller.projects.includes("*") || caller.projects.includes(project));
}

/** Returns whether the caller may see what belongs to no project. */
export function operates(): boolean {
  return !!me.value?.projects.includes("*") && me.value.verbs.includes("read");
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...init });
  } catch {
    if (init.signal?.aborted) throw new DOMException("aborted", "AbortError");
    throw new Failure(0, "unreachable", "The daemon does not answer.", ["The page tries again by itself."]);
  }
  heard(response.headers.get("date"));
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
  const body = await response.json().catch(() => null) as
    { error?: { reason: string; message: string; fixes: string[] } } | null;
  const { reason, message, fixes } = body?.error
    ?? { reason: "failed", message: `The daemon answered ${response.status}.`, fixes: [] };
  if (response.status === 401 && path !== "/login") me.value = null;
  throw new Failure(response.status, reason, message, fixes);
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>(path, signal ? { signal } : {});
}

export function post<T>(path: string, body: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  return request<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Returns an id for a request. It is made before the request is sent, so that a repeat is the same job. */
export function requestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns an address with a query, without empty fields. */
export function query(path: string, fields: Record<string, string | undefined | null>): string {
  const given = Object.entries(fields).filter((field): field is [string, string] => !!field[1]);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
