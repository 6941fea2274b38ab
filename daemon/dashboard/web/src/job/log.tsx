// The log: any number of lines, of which the page holds only those that are seen.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { duration, now, plural } from "../format";
import { Icon } from "../ui/icons";
import { Dialog } from "../ui/parts";
import { classes, runs } from "./ansi";
import type { Feed } from "./feed";
import { Find } from "./find";
import { type Group, type Line, isFolded } from "./lines";
import { Marked } from "./marked";
import { type Place, Rows, firstError, placeOf, search } from "./rows";

/** Height of a row in pixels; the style sheet has the same. */
const HEIGHT = 22;

/** Rows beyond those that are seen. */
const BEYOND = 20;

/** Characters that are shown of a line. */
const LONGEST = 4096;

interface Range { from: number; to: number }

function hashRange(): Range | null {
  const match = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
  if (!match) return null;
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])];
  return { from: Math.min(from, to), to: Math.max(from, to) };
}

function Text({ line, wanted, more }: { line: Line; wanted: string; more: () => void }) {
  const isLong = line.text.length > LONGEST;
  const text = isLong ? line.text.slice(0, LONGEST) : line.text;
  return (
    <span class="text">
      {runs(text, line.start).runs.map((run, index) => {
        const name = classes(run.style);
        return <span key={index} class={name || undefined}><Marked text={run.text} wanted={wanted} /></span>;
      })}
      {isLong && <button type="button" class="plain inline" onClick={more}>… {plural(line.text.length - LONGEST, "more character")}</button>}
    </span>
  );
}

function Header({ group, onToggle, top }: { group: Group; onToggle: () => void; top: number }) {
  const folded = isFolded(group);
  const to = group.to ?? (group.state === "running" ? Math.max(now.value, group.from) : null);
  return (
    <div class={`log-row header depth${group.depth}`} style={{ transform: `translateY(${top}px)` }}>
      <button type="button" class="plain" aria-expanded={!folded} disabled={!group.lines.length && !group.steps} onClick={onToggle}>
        <Icon name={folded ? "right" : "down"} size={12} />
        <span class={`sign ${group.state}`}><Icon name={group.state === "open" ? "skipped" : group.state} size={14} /></span>
        <span class="group-title">{group.title}</span>
        <span class="group-meta">
          {group.cached && "cached"}
          {!group.cached && to !== null && duration(to - group.from)}
          {folded && group.lines.length > 0 && ` · ${plural(group.lines.length, "line")}`}
        </span>
      </button>
    </div>
  );
}

export function LogView({ feed, version, jobId, isFailed }: { feed: Feed; version: number; jobId: string; isFailed: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 600 });
  const [text, setText] = useState("");
  /** Number of the hit that is shown; -1 before the first. */
  const [hit, setHit] = useState(-1);
  const [range, setRange] = useState<Range | null>(hashRange);
  const [whole, setWhole] = useState<string | null>(null);
  const [finds, setFinds] = useState(false);
  const [folds, setFolds] = useState(0);
  const [seen, setSeen] = useState(0);
  const follows = useRef(true);
  const opened = useRef(false);
  /** Where to go once the rows are there. */
  const goal = useRef<Place | null>(null);
  const { log, missing } = feed;
  const rows = useMemo(() => new Rows(log), [log, version, folds]);
  const wanted = text.trim().toLowerCase();
  const hits = useMemo(() => search(log, wanted), [log, version, wanted]);

  const show = (place: Place) => {
    const stage = log.groups.find((group) => group.depth === 0 && group.stage === place.group.stage);
    if (stage?.folded) log.fold(stage, false);
    if (isFolded(place.group)) log.fold(place.group, false);
    follows.current = false;
    goal.current = place;
    setFolds((count) => count + 1);
  };

  // Where to begin: at the line of the address, at the first error of a failed job, or at the end.
  useEffect(() => {
    // The log of this rendering: by now the feed may have another one.
    if (opened.current || !log.count || missing) return;
    opened.current = true;
    const place = (range && placeOf(log, range.from)) ?? (isFailed ? firstError(log) : undefined);
    if (place) show(place);
  }, [version]);

  useEffect(() => {
    const moved = () => {
      const next = hashRange();
      setRange(next);
      const place = next && placeOf(feed.log, next.from);
      if (place) show(place);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, [feed]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setScroll({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // Who looks for a line is led to it; otherwise only those who are at the end are taken along.
  useLayoutEffect(() => {
    const element = box.current;
    if (element && goal.current) {
      const { group, line } = goal.current;
      goal.current = null;
      element.scrollTop = Math.max(0, rows.of(group, line) * HEIGHT - element.clientHeight / 3);
      setScroll({ top: element.scrollTop, height: element.clientHeight });
    } else if (element && follows.current) {
      element.scrollTop = element.scrollHeight;
      setSeen(log.count);
    }
  }, [version, folds, rows]);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < HEIGHT * 1.5;
    if (follows.current) setSeen(log.count);
    setScroll({ top: element.scrollTop, height: element.clientHeight });
  };

  const toEnd = () => {
    follows.current = true;
    const element = box.current;
    if (element) element.scrollTop = element.scrollHeight;
  };

  const step = (by: number) => {
    if (!hits.length) return;
    const next = (Math.max(hit + by, by < 0 && hit <= 0 ? -1 : 0) + hits.length) % hits.length;
    setHit(next);
    const place = hits[next];
    if (place) show(place);
  };

  const keys = (event: KeyboardEvent) => {
    const isFind = (event.ctrlKey || event.metaKey) && event.key === "f";
    if (isFind || (event.key === "/" && event.target === box.current)) {
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    } else if (event.target === box.current && (event.key === "End" || event.key === "Home")) {
      event.preventDefault();
      if (event.key === "End") toEnd();
      else if (box.current) box.current.scrollTop = 0;
    }
  };

  const pick = (event: MouseEvent, seq: number) => {
    event.preventDefault();
    const next = event.shiftKey && range ? { from: Math.min(range.from, seq), to: Math.max(range.from, seq) } : { from: seq, to: seq };
    setRange(next);
    const hash = next.from === next.to ? `#L${next.from}` : `#L${next.from}-L${next.to}`;
    history.replaceState(null, "", location.pathname + location.search + hash);
  };

  const first = Math.max(0, Math.floor(scroll.top / HEIGHT) - BEYOND);
  const last = Math.min(rows.count, Math.ceil((scroll.top + scroll.height) / HEIGHT) + BEYOND);
  const current = hits[hit];
  const shown = [];
  for (let index = first; index < last; index++) {
    const row = rows.at(index);
    if (!row) break;
    const { group, line } = row;
    const top = index * HEIGHT;
    if (!line) {
      shown.push(<Header key={`h${group.key}`} group={group} top={top} onToggle={() => {
        log.fold(group, !isFolded(group));
        follows.current = false;
        setFolds((count) => count + 1);
      }} />);
      continue;
    }
    const isPicked = range && line.seq >= range.from && line.seq <= range.to;
    const isHit = current && current.group === group && group.lines[current.line] === line;
    shown.push(
      <div key={`${group.key}:${index}`} style={{ transform: `translateY(${top}px)` }}
        class={`log-row ${line.kind} depth${group.depth}${isPicked ? " picked" : ""}${isHit ? " hit" : ""}`}>
        {line.first
          ? <a class="number" href={`#L${line.seq}`} data-n={line.seq} aria-label={`Line ${line.seq}`} tabIndex={-1} onClick={(event) => pick(event, line.seq)} />
          : <span class="number" />}
        <Text line={line} wanted={wanted} more={() => setWhole(line.text)} />
      </div>,
    );
  }
  const fresh = follows.current ? 0 : log.count - seen;
  return (
    <section class="log" aria-label="Log" onKeyDown={keys}>
      <div class="log-bar">
        <h2>Log</h2>
        <span class="quiet">{plural(log.count, "line")}{feed.missing > 0 && `, reading ${feed.missing.toLocaleString()} earlier events …`}
          {feed.left > 0 && `; the first ${feed.left.toLocaleString()} events are in the raw text`}</span>
        <div class="search">
          <Icon name="search" size={14} />
          <input ref={field} type="search" placeholder="Search" aria-label="Search the log" value={text} spellcheck={false}
            onInput={(event) => { setText(event.currentTarget.value); setHit(-1); }}
            onKeyDown={(event) => {
              if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
              if (event.key === "Escape") { setText(""); box.current?.focus(); }
            }} />
          {wanted && <span class="quiet num" role="status">{hits.length ? `${hit >= 0 ? `${Math.min(hit + 1, hits.length)} of ` : ""}${hits.length.toLocaleString()}` : "none"}</span>}
          <button type="button" class="icon-button" aria-label="Previous hit" disabled={!hits.length} onClick={() => step(-1)}><Icon name="up" /></button>
          <button type="button" class="icon-button" aria-label="Next hit" disabled={!hits.length} onClick={() => step(1)}><Icon name="down" /></button>
          <button type="button" class="icon-button" aria-label="List all hits" title="List all hits" aria-expanded={finds && !!wanted} disabled={!wanted} onClick={() => setFinds(!finds)}><Icon name="list" /></button>
        </div>
        <a class="button" data-raw href={`/api/jobs/${encodeURIComponent(jobId)}/log`} target="_blank">Raw text</a>
      </div>
      {finds && wanted && <Find jobId={jobId} text={text.trim()} last={feed.newest} left={feed.left} onClose={() => { setFinds(false); field.current?.focus(); }} />}
      <div class="log-box" ref={box} tabIndex={0} role="log" aria-live="off" aria-label="Lines of the log" onScroll={scrolled}>
        {!rows.count && <p class="log-none">{feed.ended ? "The job printed nothing." : "No line yet."}</p>}
        <div class="log-space" style={{ height: `${rows.count * HEIGHT}px` }}>{shown}</div>
      </div>
      {fresh > 0 && <button type="button" class="to-end" onClick={toEnd}><Icon name="end" size={14} />{plural(fresh, "new line")}</button>}
      {whole !== null && <Dialog title="The whole line" onClose={() => setWhole(null)}>
        <pre class="code whole" tabIndex={0}>{whole}</pre>
        <p class="dialog-actions"><button type="button" onClick={() => setWhole(null)}>Close</button></p>
      </Dialog>}
    </section>
  );
}
