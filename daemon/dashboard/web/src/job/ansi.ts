// Colours of terminals as classes. Everything else that moves a cursor is dropped; text stays text.

export interface Style { colour: number; bold: boolean; dim: boolean }
export interface Run { text: string; style: Style }

export const PLAIN: Style = { colour: -1, bold: false, dim: false };

// A control sequence, a title or link (OSC), or another escape of two characters.
const ESCAPE = /\u001b(?:\[([0-9;:]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;

function applied(style: Style, codes: string): Style {
  let next = { ...style };
  const numbers = codes.split(/[;:]/).map(Number);
  for (let index = 0; index < numbers.length; index++) {
    const code = numbers[index] ?? 0;
    if (code === 0) next = { ...PLAIN };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code >= 30 && code <= 37) next.colour = code - 30;
    else if (code >= 90 && code <= 97) next.colour = code - 82;
    else if (code === 39) next.colour = -1;
    else if (code === 38 || code === 48) {
      const isPalette = numbers[index + 1] === 5;
      const colour = numbers[index + 2] ?? -1;
      // Of 256 colours, the first 16 are the palette's; others are shown as plain text.
      if (code === 38) next.colour = isPalette && colour < 16 ? colour : -1;
      index += isPalette ? 2 : 4;
    }
  }
  return next;
}

/** Returns what a terminal would show of a line that was drawn several times over. */
export function collapsed(line: string): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  const at = text.lastIndexOf("\r");
  return at < 0 ? text : text.slice(at + 1);
}

/** Splits a line into runs of one style. `start` is the style at its beginning. */
export function runs(line: string, start: Style): { runs: Run[]; end: Style } {
  if (!line.includes("\u001b")) return { runs: [{ text: line, style: start }], end: start };
  const found: Run[] = [];
  let style = start;
  let from = 0;
  for (const match of line.matchAll(ESCAPE)) {
    if (match.index > from) found.push({ text: line.slice(from, match.index), style });
    from = match.index + match[0].length;
    if (match[2] === "m") style = applied(style, match[1] || "0");
  }
  const rest = line.slice(from).replaceAll("\u001b", "");
  if (rest) found.push({ text: rest, style });
  return { runs: found, end: style };
}

export function classes({ colour, bold, dim }: Style): string {
  return [colour >= 0 && `c${colour}`, bold && "bold", dim && "dim"].filter(Boolean).join(" ");
}
