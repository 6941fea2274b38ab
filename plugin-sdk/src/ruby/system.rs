//! Packages of Debian that gems need.

/// Gem, packages that its build needs, packages that it needs when it runs.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const TABLE: [Row; 17] = [
    ("pg", &["libpq-dev"], &["libpq5"]),
    ("mysql2", &["default-libmysqlclient-dev"], &["libmariadb3"]),
    ("trilogy", &[], &[]),
    ("sqlite3", &["libsqlite3-dev"], &["libsqlite3-0"]),
    ("ruby-vips", &[], &["libvips42"]),
    ("image_processing", &[], &["libvips42"]),
    ("mini_magick", &[], &["imagemagick"]),
    ("rmagick", &["libmagickwand-dev"], &["libmagickwand-6.q16-6"]),
    ("charlock_holmes", &["libicu-dev", "zlib1g-dev"], &["libicu72"]),
    ("curb", &["libcurl4-openssl-dev"], &["libcurl4"]),
    ("rugged", &["cmake"], &[]),
    ("ffi-hunspell", &[], &["libhunspell-1.7-0"]),
    ("idn-ruby", &["libidn-dev"], &["libidn12"]),
    // ExecJS looks for its JavaScript runtime where it is loaded: in the build, and at each start.
    ("execjs", &["nodejs"], &["nodejs"]),
    ("autoprefixer-rails", &["nodejs"], &["nodejs"]),
    ("coffee-rails", &["nodejs"], &["nodejs"]),
    ("uglifier", &["nodejs"], &["nodejs"]),
];

/// Packages whose names differ between releases of Debian.
const OF_BOOKWORM: [&str; 2] = ["libicu72", "libmagickwand-6.q16-6"];

/// Packages of the base's distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// For the install.
    pub build: Vec<&'static str>,
    /// For the app.
    pub run: Vec<&'static str>,
    /// Gem and packages, each a line.
    pub evidence: Vec<String>,
}

impl System {
    /// Returns the release of Debian whose names these are. `None` means that any will do.
    pub(super) fn release(&self) -> Option<&'static str> {
        self.run.iter().any(|name| OF_BOOKWORM.contains(name)).then_some("bookworm")
    }
}

/// Returns what gems need. `source` returns where a gem is named.
pub(super) fn packages(source: impl Fn(&str) -> Option<String>) -> System {
    let mut system = System::default();
    system.build.extend(["build-essential", "git", "libyaml-dev", "pkg-config"]);
    for (name, build, run) in TABLE {
        let Some(source) = source(name) else { continue };
        system.build.extend(build);
        system.run.extend(run);
        let all = build.iter().chain(run).copied().collect::<Vec<_>>().join(", ");
        if !all.is_empty() {
            system.evidence.push(format!("{source}: {name} needs {all}"));
        }
    }
    for list in [&mut system.build, &mut system.run] {
        list.sort_unstable();
        list.dedup();
    }
    system
}
