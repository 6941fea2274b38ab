// One WebSocket for the page. Whoever subscribes says after which event, so that nothing comes twice or is lost.

import { signal } from "@preact/signals";
import { me } from "./api";

export type Live = "off" | "live" | "reconnecting";

/** State of the connection, for people. */
export const live = signal<Live>("off");

interface Incoming { on?: string; [key: string]: unknown }

interface Subscription {
  /** Number of the last event that the subscriber has. */
  after: () => number;
  take: (message: Incoming) => void;
}

const SILENCE = 45_000;
const PAUSES = [500, 1000, 2000, 4000, 8000, 15_000];

const subscriptions = new Map<string, Subscription>();
let socket: WebSocket | null = null;
let pause = 0;
let retry = 0;
let silence = 0;
let idle = 0;

function say(message: unknown): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function heard(): void {
  clearTimeout(silence);
  silence = window.setTimeout(() => socket?.close(), SILENCE);
}

function connect(): void {
  clearTimeout(retry);
  if (socket || !subscriptions.size || !me.value) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const opened = new WebSocket(`${scheme}://${location.host}/api/live`, ["windlass.v1"]);
  socket = opened;
  heard();
  opened.onopen = () => {
    pause = 0;
    live.value = "live";
    for (const [on, one] of subscriptions) {
      say({ sub: on, after: one.after() });
      // Changes of lists have no numbers: what came while there was no connection is in the list itself.
      if (on === "jobs") one.take({ on, gap: true });
    }
  };
  opened.onmessage = (event) => {
    heard();
    const message = JSON.parse(event.data as string) as Incoming;
    if (message.on) subscriptions.get(message.on)?.take(message);
  };
  opened.onclose = (event) => {
    socket = null;
    clearTimeout(silence);
    // The session is over, or the rights are others: the next request leads to the login or to a page with the new ones.
    if (event.code === 4401) {
      me.value = undefined;
      return;
    }
    if (!subscriptions.size) {
      live.value = "off";
      return;
    }
    live.value = "reconnecting";
    const wait = PAUSES[Math.min(pause++, PAUSES.length - 1)] ?? 15_000;
    retry = window.setTimeout(connect, wait * (0.75 + Math.random() / 2));
  };
}

function now(): void {
  pause = 0;
  connect();
}

addEventListener("online", now);
document.addEventListener("visibilitychange", () => { if (!document.hidden) now(); });

/** Subscribes to a topic, also after each reconnection. Returns what ends it. */
export function subscribe(on: string, subscription: Subscription): () => void {
  clearTimeout(idle);
  subscriptions.set(on, subscription);
  if (socket) say({ sub: on, after: subscription.after() });
  else connect();
  return () => {
    if (subscriptions.get(on) !== subscription) return;
    subscriptions.delete(on);
    say({ unsub: on });
    // The next page subscribes within a moment, and takes the connection over.
    if (!subscriptions.size) {
      idle = window.setTimeout(() => {
        socket?.close();
        live.value = "off";
      }, 1000);
    }
  };
}

/** Subscribes again after the subscriber has read on by itself. */
export function resume(on: string): void {
  const subscription = subscriptions.get(on);
  if (subscription) say({ sub: on, after: subscription.after() });
}
