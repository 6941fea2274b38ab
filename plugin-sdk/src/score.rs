//! Bands of a detector's score: how much an answer rests on. The highest score plans the app; of equal ones, the
//! operator's order decides.

/// A framework's own entry: `artisan`, `manage.py`, `config/application.rb`.
pub const FRAMEWORK: u8 = 90;

/// An app whose start is written down: a Procfile, `scripts.start`, `func main` in the module's root.
pub const STARTED: u8 = 80;

/// A start that is inferred from the names of files.
pub const INFERRED: u8 = 60;

/// Static output alone.
pub const STATIC: u8 = 40;

/// Assets or tools alone.
pub const TOOLS: u8 = 20;
