// The events of a job: the past in pages, and then what comes. Each number is taken once.

import { get, Failure } from "../api";
import { resume, subscribe } from "../live";
import type { Event, Job } from "../types";
import { Log } from "./lines";
import { type View, fresh, take } from "./fold";

const PAGE = 2000;

/** Milliseconds between two tries to read what the daemon did not answer. */
const PAUSE = 3000;

/** Events that a page holds at most; of a longer job it holds the last ones. */
const MOST = 200_000;

export class Feed {
  view: View = fresh();
  log = new Log();
  /** Events of the past that are still being read. */
  missing = 0;
  /** Events before those that the page holds. */
  left = 0;
  ended = false;
  failure: Failure | null = null;
  private events: Event[] = [];
  private last = 0;
  private readonly on: string;
  private readonly abort = new AbortController();
  private unsubscribe: () => void = () => undefined;
  private frame = 0;
  private reads = false;

  constructor(private readonly id: string, private readonly changed: () => void) {
    this.on = `job/${id}`;
  }

  /** Reads the end first, so that it is seen at once, and then what is before it. */
  async start(job: Job): Promise<void> {
    this.left = Math.max(0, job.last_seq - MOST);
    const tail = Math.max(this.left, job.last_seq - PAGE);
    try {
      this.last = tail;
      this.missing = tail - this.left;
      await this.read();
      if (!job.ended) this.follow();
      else this.ended = true;
      if (this.missing) await this.before(tail);
    } catch (error) {
      this.fail(error);
    }
    this.notify();
  }

  /** Number of the last event that was read. */
  get newest(): number { return this.last; }

  stop(): void {
    this.abort.abort();
    this.unsubscribe();
    cancelAnimationFrame(this.frame);
  }

  private fail(error: unknown): void {
    if (this.abort.signal.aborted) return;
    this.failure = error instanceof Failure ? error : new Failure(0, "failed", String(error), []);
  }

  /** Reads a page, again and again while the daemon cannot answer. What it refuses is an error. */
  private async page(after: number): Promise<{ events: Event[] }> {
    const address = `/api/jobs/${encodeURIComponent(this.id)}/events?after=${after}&limit=${PAGE}`;
    for (;;) {
      try {
        const page = await get<{ events: Event[] }>(address, this.abort.signal);
        this.failure = null;
        return page;
      } catch (error) {
        const status = error instanceof Failure ? error.status : this.abort.signal.aborted ? 400 : 0;
        if (status > 0 && status < 500 && status !== 429) throw error;
        this.fail(error);
        this.notify();
        await new Promise((done) => { setTimeout(done, PAUSE); });
      }
    }
  }

  /** Reads on to the end of what there is. */
  private async read(): Promise<void> {
    for (;;) {
      const { events } = await this.page(this.last);
      this.add(events);
      if (events.length < PAGE) return;
    }
  }

  /** Reads what is before the end that was read first, and puts all in its order. */
  private async before(tail: number): Promise<void> {
    const earlier: Event[] = [];
    let after = this.left;
    while (after < tail) {
      const { events } = await this.page(after);
      const wanted = events.filter((event) => event.seq <= tail);
      if (!wanted.length) break;
      earlier.push(...wanted);
      after = wanted.at(-1)?.seq ?? tail;
      this.missing = tail - after;
      this.notify();
    }
    this.missing = 0;
    this.events = earlier.concat(this.events);
    const folds = this.log;
    this.log = new Log();
    this.log.keep(folds);
    this.view = fresh();
    for (const event of this.events) this.fold(event);
    this.events = [];
  }

  private fold(event: Event): void {
    this.log.add(event);
    take(this.view, event);
    if (event.ended) this.ended = true;
  }

  private add(events: Event[]): void {
    for (const event of events) {
      if (event.seq <= this.last) continue;
      this.last = event.seq;
      if (this.missing) this.events.push(event);
      this.fold(event);
    }
    this.notify();
  }

  private notify(): void {
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.changed();
      });
    }
  }

  private follow(): void {
    this.unsubscribe = subscribe(this.on, {
      after: () => this.last,
      take: (message) => {
        this.add((message.events ?? []) as Event[]);
        if (message.gap) void this.catchUp();
        if (message.ended) {
          this.ended = true;
          this.unsubscribe();
          this.notify();
        }
        if (message.error) {
          const { reason, message: text } = message.error as { reason: string; message: string };
          this.failure = new Failure(0, reason, text, []);
          this.notify();
          // The daemon sends no more by itself.
          setTimeout(() => void this.catchUp(), PAUSE);
        }
      },
    });
  }

  /** Reads on by itself where the live connection was too slow or failed, and then goes on live. */
  private async catchUp(): Promise<void> {
    if (this.reads) return;
    this.reads = true;
    try {
      await this.read();
      resume(this.on);
    } catch (error) {
      this.fail(error);
      this.notify();
    }
    this.reads = false;
  }
}
