// Rows of the log on the screen: headers of groups, and the lines of those that are not folded. No list of rows is
// made: a row is found by its number, also among 200,000.

import { type Group, type Line, type Log, isFolded } from "./lines";

export interface Row { group: Group; line: Line | null }

export class Rows {
  /** Number of the first row of each group. */
  private readonly starts: number[] = [];
  private readonly groups: Group[] = [];
  readonly count: number;

  constructor(log: Log) {
    let count = 0;
    const foldedStages = new Set<string>();
    for (const group of log.groups) {
      if (group.depth === 0 && isFolded(group)) foldedStages.add(group.stage);
      // A folded stage hides its steps, too.
      if (group.depth === 1 && foldedStages.has(group.stage)) continue;
      this.groups.push(group);
      this.starts.push(count);
      count += 1 + (isFolded(group) ? 0 : group.lines.length);
    }
    this.count = count;
  }

  at(index: number): Row | undefined {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const group = this.groups[low];
    if (!group || index >= this.count) return undefined;
    const within = index - (this.starts[low] ?? 0);
    return { group, line: within ? group.lines[within - 1] ?? null : null };
  }

  /** Returns the row of a group's header, or of one of its lines. */
  of(group: Group, line = -1): number {
    const index = this.groups.indexOf(group);
    return index < 0 ? 0 : (this.starts[index] ?? 0) + 1 + line;
  }
}

/** A place in the log. */
export interface Place { group: Group; line: number }

/** Returns the places of all lines that hold a text, in the order of the screen. */
export function search(log: Log, text: string): Place[] {
  const wanted = text.toLowerCase();
  const found: Place[] = [];
  if (!wanted) return found;
  for (const group of log.groups) {
    group.lines.forEach((line, index) => {
      if (line.text.toLowerCase().includes(wanted)) found.push({ group, line: index });
    });
  }
  return found;
}

/** Returns the place of an event, or of the last line before it: the end of a step, say, is found and has no line. */
export function placeOf(log: Log, seq: number): Place | undefined {
  let place: Place | undefined;
  let newest = 0;
  for (const group of log.groups) {
    for (let line = 0; line < group.lines.length; line++) {
      const at = group.lines[line]?.seq ?? 0;
      if (at > seq) break;
      if (at > newest) [place, newest] = [{ group, line }, at];
    }
  }
  return place;
}

const ERROR = /\b(error|fatal|panic(ked)?|exception|failed|cannot|not found)\b/i;

/** Returns the first line of a failed group that names an error, else its last one. */
export function firstError(log: Log): Place | undefined {
  // The innermost: a step before its stage.
  const failed = log.groups.filter((group) => group.state === "failed" && group.lines.length);
  const group = failed.find((one) => one.depth === 1) ?? failed.find((one) => one.stage) ?? failed[0];
  if (!group) return undefined;
  const named = group.lines.findIndex((line) => line.kind === "error" || ERROR.test(line.text));
  return { group, line: named >= 0 ? named : group.lines.length - 1 };
}
