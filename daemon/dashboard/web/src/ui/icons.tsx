// Icons: shapes that tell states apart without colour.

const PATHS: Record<string, string> = {
  succeeded: "M3.5 8.5l3 3 6-7",
  failed: "M4.5 4.5l7 7m0-7l-7 7",
  stopped: "M5 5h6v6H5z",
  waiting: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3l2 1.5",
  paused: "M6 4v8m4-8v8",
  todo: "M8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8z",
  rolling_back: "M4 4v3.5h3.5M4.4 7.2A4.2 4.2 0 1 1 5 11",
  skipped: "M5 8h6",
  healthy: "M3.5 8.5l3 3 6-7",
  degraded: "M8 4v5m0 2.4v.1",
  out_of_sync: "M4 6h7L9 4m3 6H5l2 2",
  external: "M6 4H4v8h8v-2M9 3.5h3.5V7M12 4L7.5 8.5",
  copy: "M6 6h7v7H6zM3 10V3h7",
  search: "M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8zm3 7l3.5 3.5",
  right: "M6 3.5L10.5 8 6 12.5",
  down: "M3.5 6L8 10.5 12.5 6",
  up: "M3.5 10L8 5.5 12.5 10",
  close: "M4 4l8 8m0-8l-8 8",
  warning: "M8 2.5l6 10.5H2zM8 6.5v3m0 1.6v.1",
  branch: "M5 3v7m0 0a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM11 6a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zm0 0c0 3-6 2-6 4",
  removal: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  list: "M5.5 4h8m-8 4h8m-8 4h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
  end: "M8 3v8m0 0L4.5 7.5M8 11l3.5-3.5M4 13.5h8",
};

export function Icon({ name, size = 16 }: { name: string; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor"
      stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      {name === "running" || name === "progressing"
        ? <circle class="spin" cx="8" cy="8" r="5" stroke-dasharray="21 11" />
        : <path d={PATHS[name] ?? "M8 8h.01"} />}
    </svg>
  );
}

/** The sign of the product: a drum with its rope. */
export function Mark() {
  return (
    <svg class="mark" width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.25"
      stroke-linecap="round" aria-hidden="true" focusable="false">
      <circle cx="12" cy="10" r="6.5" /><circle cx="12" cy="10" r="1.6" fill="currentColor" stroke="none" />
      <path d="M18.5 10v11M3 21h9" />
    </svg>
  );
}
