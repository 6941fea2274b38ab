// Title and icon of the tab carry the state.

const COLOURS: Record<string, string> = {
  waiting: "#8a8f98", running: "#2f7de1", held: "#c77700", paused: "#c77700", rolling_back: "#c77700",
  succeeded: "#1a8f4c", failed: "#d23b3b", stopped: "#8a8f98",
};

const MARKS: Record<string, string> = {
  waiting: "…", running: "▸", held: "‖", paused: "‖", rolling_back: "↺", succeeded: "✓", failed: "✕", stopped: "■",
};

function icon(state: string): string {
  const colour = COLOURS[state] ?? "#8a8f98";
  const inner = state === "running" ? `<path d='M16 5a11 11 0 0 1 11 11' stroke='white' stroke-opacity='.7'/>` : "";
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' stroke-width='6'>`
    + `<circle cx='16' cy='16' r='11' stroke='${colour}'/>${inner}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Sets the tab's title, with the mark of a state. */
export function title(text: string, state = ""): void {
  const mark = MARKS[state];
  document.title = `${mark ? `${mark} ` : ""}${text}${text ? " · " : ""}Windlass`;
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const href = icon(state);
  if (link && link.href !== href) link.href = href;
}
