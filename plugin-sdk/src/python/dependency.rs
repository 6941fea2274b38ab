//! Requirements as PEP 508 writes them.

/// Requirement of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Canonical name: lower case, with `-`.
    pub name: String,
    /// Extras, `standard` of `fastapi[standard]`.
    pub extras: Vec<String>,
    /// File and line.
    pub source: String,
    /// Only for development or tests.
    pub dev: bool,
    /// The requirement as it is written.
    pub text: String,
}

impl Dependency {
    /// Reads a requirement. `None` means that the text names no package.
    #[must_use]
    pub fn parse(text: &str, source: &str, dev: bool) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !is_part(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let inner = rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let extras = inner.map(|(inner, _)| inner.split(',')).into_iter().flatten();
        Some(Self {
            name: canonical(name),
            extras: extras.map(|extra| extra.trim().to_ascii_lowercase()).collect(),
            source: source.to_owned(),
            dev,
            text: text.to_owned(),
        })
    }

    /// Returns whether an environment marker limits the requirement.
    #[must_use]
    pub fn has_marker(&self) -> bool {
        self.text.contains(';')
    }
}

/// Returns the canonical spelling of a package's name (PEP 503).
#[must_use]
pub fn canonical(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_read_with_name_and_extras() {
        for (text, name, extras) in [
            ("Flask==3.1.0", "flask", ""),
            ("fastapi[standard]>=0.115", "fastapi", "standard"),
            ("psycopg [binary, pool] ; python_version > '3.8'", "psycopg", "binary,pool"),
            ("ruamel.yaml", "ruamel-yaml", ""),
            ("money @ https://example.com/money-1.0.tar.gz", "money", ""),
        ] {
            let read = Dependency::parse(text, "requirements.txt:1", false).unwrap();
            assert_eq!((&*read.name, &*read.extras.join(",")), (name, extras), "{text}");
        }
        for text in ["", "-r base.txt", "./libs/money", "# x", "é"] {
            assert_eq!(Dependency::parse(text, "", false), None, "{text}");
        }
    }
}
