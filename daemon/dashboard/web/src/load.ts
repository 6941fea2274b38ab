// Data that a page shows: loaded when it opens, and again when it is asked to.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Failure, get } from "./api";

/** Milliseconds after which no answer is expected any more: the daemon gives each request a minute. */
const LATE = 90_000;

export interface Loaded<T> {
  data: T | undefined;
  failure: Failure | undefined;
  /** Loads again. What is shown stays until the answer comes. */
  again: () => void;
  set: (change: (data: T) => T) => void;
}

/** Loads an address. `each` is the time in milliseconds after which it is loaded again while the page is seen. */
export function useLoad<T>(address: string, each = 0): Loaded<T> {
  const [state, setState] = useState<{ address: string; data?: T; failure?: Failure }>({ address });
  const running = useRef<AbortController | null>(null);
  const stale = useRef(false);
  const again = useCallback(function load() {
    // What is under way is awaited: changes that come faster than answers would hold back each of them.
    stale.current = !!running.current;
    if (running.current) return;
    const abort = new AbortController();
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      abort.abort();
    }, LATE);
    running.current = abort;
    get<T>(address, abort.signal).then(
      (data) => setState({ address, data }),
      (error: unknown) => {
        if (abort.signal.aborted && !isLate) return;
        const failure = isLate ? new Failure(0, "unreachable", `No answer came within ${LATE / 1000} s.`, ["Try again."])
          : error instanceof Failure ? error : new Failure(0, "failed", String(error), []);
        setState((before) => ({ ...(before.address === address ? before : {}), address, failure }));
      },
    ).finally(() => {
      clearTimeout(late);
      if (running.current !== abort) return;
      running.current = null;
      if (stale.current) load();
    });
  }, [address]);
  useEffect(() => {
    again();
    const timer = each ? setInterval(() => { if (!document.hidden) again(); }, each) : 0;
    return () => {
      clearInterval(timer);
      running.current?.abort();
      running.current = null;
    };
  }, [again, each]);
  const set = useCallback((change: (data: T) => T) => {
    setState((before) => (before.data === undefined ? before : { ...before, data: change(before.data) }));
  }, []);
  const mine = state.address === address;
  return { data: mine ? state.data : undefined, failure: mine ? state.failure : undefined, again, set };
}

/** Adds further pages to a list that pages on the server. */
export function usePages<T>(address: string, next: string | null | undefined) {
  const [more, setMore] = useState<{ address: string; items: T[]; next: string | null; busy: boolean }>(
    { address, items: [], next: null, busy: false },
  );
  const mine = more.address === address ? more : { address, items: [] as T[], next: null, busy: false };
  const from = mine.items.length ? mine.next : next;
  const load = async () => {
    if (!from) return;
    setMore({ ...mine, busy: true });
    const joiner = address.includes("?") ? "&" : "?";
    try {
      const page = await get<{ items: T[]; next: string | null }>(`${address}${joiner}before=${encodeURIComponent(from)}`);
      setMore({ address, items: [...mine.items, ...page.items], next: page.next, busy: false });
    } catch {
      setMore({ ...mine, busy: false });
    }
  };
  return { items: mine.items, hasMore: !!from, busy: mine.busy, load };
}
