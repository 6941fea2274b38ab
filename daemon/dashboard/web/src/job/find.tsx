// All lines of the log that hold a text, also of those that the page does not hold: the daemon searches, part by part.

import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, get, query } from "../api";
import { plural } from "../format";
import type { LogHit, SearchPage } from "../types";
import { Icon } from "../ui/icons";
import { Problem } from "../ui/parts";
import { stageName } from "./lines";
import { Marked } from "./marked";

/** Hits after which the search waits until the reader wants more. */
const MOST = 500;

/** Milliseconds without a key after which a text is searched for. */
const PAUSE = 300;

type State = "searches" | "stopped" | "more" | "done";

export function Find({ jobId, text, last, left, onClose }: {
  jobId: string; text: string; /** Number of the last event. */ last: number; /** Events before those that the page holds. */ left: number; onClose: () => void;
}) {
  const [hits, setHits] = useState<LogHit[]>([]);
  const [looked, setLooked] = useState(0);
  const [state, setState] = useState<State>("searches");
  const [failure, setFailure] = useState<Failure>();
  const running = useRef<AbortController | null>(null);
  const run = async (from: number, before: LogHit[]) => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setState("searches");
    setFailure(undefined);
    let found = before;
    let after: number | null = from;
    const most = before.length + MOST;
    try {
      while (after !== null && found.length < most) {
        const address = query(`/api/jobs/${encodeURIComponent(jobId)}/search`, { text, after: String(after) });
        const page: SearchPage = await get<SearchPage>(address, abort.signal);
        found = found.concat(page.hits);
        after = page.next;
        setHits(found);
        setLooked(page.looked);
      }
      setState(after === null ? "done" : "more");
    } catch (error) {
      if (abort.signal.aborted) return;
      if (error instanceof Failure) setFailure(error);
      setState("stopped");
    }
  };
  useEffect(() => {
    setHits([]);
    setLooked(0);
    setState("searches");
    const timer = setTimeout(() => void run(0, []), PAUSE);
    return () => {
      clearTimeout(timer);
      running.current?.abort();
    };
  }, [jobId, text]);
  const stop = () => {
    running.current?.abort();
    setState("stopped");
  };
  const share = state === "done" ? 1 : last ? Math.min(looked / last, 1) : 0;
  return (
    <section class="find" aria-label="All hits" onKeyDown={(event) => { if (event.key === "Escape") { event.stopPropagation(); onClose(); } }}>
      <div class="find-head">
        <span role="status">{plural(hits.length, "hit")}{state === "stopped" && ", stopped"}{state === "done" && " in the whole log"}</span>
        <progress value={share} max={1} aria-label="Part of the log that was searched" />
        {state === "searches" && <button type="button" onClick={stop}>Stop</button>}
        {(state === "more" || state === "stopped") && <button type="button" onClick={() => run(looked, hits)}>Search on</button>}
        <button type="button" class="icon-button" aria-label="Close the hits" onClick={onClose}><Icon name="close" /></button>
      </div>
      {failure && <Problem failure={failure} />}
      <ol class="find-hits" tabIndex={hits.length ? undefined : -1}>
        {hits.map((hit) => (
          <li key={hit.seq}>
            {hit.seq > left
              ? <a href={`#L${hit.seq}`}><span class="number">{hit.seq}</span><span class="quiet">{stageName(hit.stage)}</span><code><Marked text={hit.text} wanted={text.toLowerCase()} /></code></a>
              : <a data-raw target="_blank" href={`/api/jobs/${encodeURIComponent(jobId)}/log`} title="The page does not hold this line: it is in the raw text"><span class="number">{hit.seq}</span><span class="quiet">raw text</span><code><Marked text={hit.text} wanted={text.toLowerCase()} /></code></a>}
          </li>
        ))}
        {state === "done" && !hits.length && <li class="quiet">No line holds it.</li>}
      </ol>
    </section>
  );
}
