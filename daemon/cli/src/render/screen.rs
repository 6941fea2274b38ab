//! Shows a job: on a terminal with movement, elsewhere with times.

use super::{
    Detail,
    board::{Board, Room},
    line::{Line, Look},
    painter::Painter,
    time::{Clock, now_ms},
};
use crate::args::Color;
use std::{
    io::{self, IsTerminal, Stdout, Write},
    time::Duration,
};
use windlass_proto::v1;

/// The time between two frames of the spinner.
const PACE: Duration = Duration::from_millis(100);

/// Longest silence where nothing moves: a CI system ends a command that prints nothing.
const SILENCE_MS: u64 = 60_000;

/// Size of a terminal that does not report one.
const USUAL: Room = Room { width: 80, height: 24 };

/// A view of a job.
pub(crate) struct Screen {
    board: Board,
    painter: Painter<Stdout>,
    clock: Clock,
    moves: bool,
    frame: usize,
    printed_ms: u64,
}

impl Screen {
    pub(crate) fn new(job: v1::Job, detail: Detail, color: Color) -> Self {
        let out = io::stdout();
        let moves = out.is_terminal() && anstyle_query::term_supports_ansi_color();
        let clock = Clock::local();
        Self {
            board: Board::new(job, detail, clock.clone()),
            painter: Painter::new(out, colors(color)),
            clock,
            moves,
            frame: 0,
            printed_ms: now_ms(),
        }
    }

    /// Returns the time between two calls of [`Screen::tick`].
    pub(crate) fn pace(&self) -> Duration {
        if self.moves { PACE } else { Duration::from_secs(1) }
    }

    /// Shows what an event adds.
    pub(crate) fn take(&mut self, event: &v1::Event) -> io::Result<()> {
        let lines = self.board.take(event);
        if lines.is_empty() {
            return Ok(());
        }
        if self.moves {
            self.painter.keep(&lines)?;
            return self.draw();
        }
        self.print(&lines, self.board.last_ms())
    }

    /// Takes an event that was shown before, elsewhere. The events after it need its facts.
    pub(crate) fn take_silently(&mut self, event: &v1::Event) {
        let _ = self.board.take(event);
    }

    /// Shows that time goes on.
    pub(crate) fn tick(&mut self) -> io::Result<()> {
        if self.moves {
            self.frame += 1;
            return self.draw();
        }
        let now_ms = now_ms();
        if now_ms.saturating_sub(self.printed_ms) < SILENCE_MS {
            return Ok(());
        }
        let lines = self.board.heads(now_ms, "…");
        self.print(&lines, now_ms)
    }

    /// Removes all that does not stay.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.painter.clear()
    }

    fn draw(&mut self) -> io::Result<()> {
        let lines = self.board.live(now_ms(), self.frame, room());
        self.painter.draw(&lines)
    }

    fn print(&mut self, lines: &[Line], at_ms: u64) -> io::Result<()> {
        self.printed_ms = now_ms();
        self.painter.keep(&timed(lines, &self.clock.time(at_ms)))
    }
}

/// Returns lines with the time before them.
pub(crate) fn timed(lines: &[Line], time: &str) -> Vec<Line> {
    let before = Line::of(Look::Faint, &format!("{time} "));
    lines.iter().map(|line| line.clone().after(before.clone())).collect()
}

/// Writes lines to standard output.
pub(crate) fn print(lines: &[Line], color: Color) -> io::Result<()> {
    let colors = colors(color);
    let mut out = io::stdout().lock();
    lines.iter().try_for_each(|line| writeln!(out, "{}", line.show(colors)))
}

/// Returns whether to colour. `Auto` asks NO_COLOR, CLICOLOR and TERM.
fn colors(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    }
}

fn room() -> Room {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Room { width: size.ws_col.into(), height: size.ws_row.into() }
        }
        _ => USUAL,
    }
}
