//! Packages of Debian that packages of Python need.

use super::dependency::Dependency;
use crate::{RunCommand, Stage, Step};

/// Package of Python, packages that its build needs, packages that it needs when it runs.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Wheels bring their own libraries, so that only packages without wheels, or without the library, are here.
const TABLE: [Row; 19] = [
    ("psycopg2", &["gcc", "libpq-dev"], &["libpq5"]),
    ("psycopg", &[], &["libpq5"]),
    ("mysqlclient", &["default-libmysqlclient-dev", "gcc", "pkg-config"], &["libmariadb3"]),
    ("pycairo", &["gcc", "libcairo2-dev", "pkg-config"], &["libcairo2"]),
    ("cairosvg", &[], &["libcairo2"]),
    ("python-ldap", &["gcc", "libldap2-dev", "libsasl2-dev"], &["libldap-2.5-0"]),
    ("django-auth-ldap", &["gcc", "libldap2-dev", "libsasl2-dev"], &["libldap-2.5-0"]),
    ("weasyprint", &[], &["libharfbuzz-subset0", "libpango-1.0-0", "libpangoft2-1.0-0"]),
    ("opencv-python", &[], &["libgl1", "libglib2.0-0"]),
    ("opencv-contrib-python", &[], &["libgl1", "libglib2.0-0"]),
    ("pyodbc", &["g++", "unixodbc-dev"], &["unixodbc"]),
    ("python-magic", &[], &["libmagic1"]),
    ("pydub", &[], &["ffmpeg"]),
    ("pytesseract", &[], &["tesseract-ocr"]),
    ("pdf2image", &[], &["poppler-utils"]),
    ("pyzbar", &[], &["libzbar0"]),
    ("pygraphviz", &["gcc", "libgraphviz-dev", "pkg-config"], &["graphviz"]),
    ("uwsgi", &["gcc", "libc6-dev"], &[]),
    ("lightgbm", &[], &["libgomp1"]),
];

/// Packages whose names differ between releases of Debian.
const OF_BOOKWORM: [&str; 1] = ["libldap-2.5-0"];

/// Packages of the base's distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// For the install.
    pub build: Vec<&'static str>,
    /// For the app.
    pub run: Vec<&'static str>,
    /// Requirement and packages, each a line.
    pub evidence: Vec<String>,
}

impl System {
    /// Returns the release of Debian whose names these are. `None` means that any will do.
    pub(super) fn release(&self) -> Option<&'static str> {
        self.run.iter().any(|name| OF_BOOKWORM.contains(name)).then_some("bookworm")
    }
}

/// Returns what these requirements need.
pub(super) fn packages(dependencies: &[Dependency]) -> System {
    let mut system = System::default();
    for dependency in dependencies.iter().filter(|dependency| !dependency.dev) {
        if dependency.text.contains("git+") {
            system.build.push("git");
            system.evidence.push(format!("{}: fetched by git", dependency.source));
        }
        let Some((name, build, run)) = TABLE.iter().find(|row| row.0 == dependency.name) else {
            continue;
        };
        // `psycopg[binary]` and `psycopg[c]` bring or build their library.
        if *name == "psycopg" && dependency.extras.iter().any(|extra| extra == "binary") {
            continue;
        }
        system.build.extend(*build);
        system.run.extend(*run);
        let all = build.iter().chain(*run).copied().collect::<Vec<_>>().join(", ");
        system.evidence.push(format!("{}: {name} needs {all}", dependency.source));
    }
    // Debian only recommends the headers of C beside its compiler.
    if system.build.contains(&"gcc") {
        system.build.push("libc6-dev");
    }
    for list in [&mut system.build, &mut system.run] {
        list.sort_unstable();
        list.dedup();
    }
    system
}

/// Has packages of Debian installed in a stage of an image of this version, before all other steps.
pub fn install_packages(stage: &mut Stage, version: &str, names: &[&str]) {
    if names.is_empty() || !is_archived(version) {
        stage.packages = names.iter().map(|&name| name.to_owned()).collect();
        return;
    }
    let script = format!(
        "sed -i -e '/-updates /d' -e 's|//deb[.]|//archive.|' \
         -e 's|//security[.]\\([^/ ]*\\)[^ ]*|//archive.\\1/debian-security|' /etc/apt/sources.list \
         && apt-get -o Acquire::Check-Valid-Until=false update \
         && apt-get install -y --no-install-recommends {} && rm -rf /var/lib/apt/lists/*",
        names.join(" ")
    );
    let command = vec!["sh".to_owned(), "-c".to_owned(), script];
    let why = Some("The packages of this image's Debian are in the archive".to_owned());
    let step = RunCommand { command, caches: Vec::new(), secrets: Vec::new(), why };
    stage.steps.insert(0, Step::Run(step));
}

/// Returns whether the image of a version was last made on Debian 10 or an older one. Debian 11 came in August 2021.
fn is_archived(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let (major, minor) = (parts.next().flatten(), parts.next().flatten());
    let patch = parts.next().flatten();
    let last = match (major, minor) {
        (Some(2), _) | (Some(3), Some(..=5)) => return true,
        (Some(3), Some(6)) => 13,
        (Some(3), Some(7 | 8)) => 10,
        (Some(3), Some(9)) => 5,
        _ => return false,
    };
    patch.is_some_and(|patch| patch <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> System {
        let read = text.lines().filter_map(|line| Dependency::parse(line, "r:1", false));
        packages(&read.collect::<Vec<_>>())
    }

    #[test]
    fn libraries_are_installed_for_those_that_bring_none() {
        let system = of("psycopg2==2.9\nmoney @ git+https://git.example.com/money.git");
        assert_eq!(system.build, ["gcc", "git", "libc6-dev", "libpq-dev"]);
        assert_eq!(system.run, ["libpq5"]);
        assert_eq!(of("psycopg2-binary\npsycopg[binary]\nlxml\npillow"), System::default());
        assert_eq!(of("python-ldap").release(), Some("bookworm"));
    }
}
