//! Gemfile, read by its lines: Ruby itself would have to run it.

use crate::File;

/// Gem of a Gemfile or gemspec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gem {
    /// Name.
    pub name: String,
    /// File and line.
    pub source: String,
    /// In a group of development or tests alone.
    pub dev: bool,
    /// Folder of a gem that lies in the tree.
    pub path: Option<String>,
    /// Installed on some platforms, or under a condition.
    pub conditional: bool,
}

/// Gemfile, as far as its lines are literal.
#[derive(Clone, Debug, Default)]
pub(super) struct Gemfile {
    pub(super) gems: Vec<Gem>,
    /// Text of `ruby "…"` with its line.
    pub(super) ruby: Option<(usize, String)>,
    /// File of `ruby file: "…"` with its line.
    pub(super) ruby_file: Option<(usize, String)>,
    /// Line that names other files: `eval_gemfile`, `gemspec`.
    pub(super) evaluates: Option<usize>,
}

/// Reads a Gemfile.
pub(super) fn read(file: &File, name: &str) -> Gemfile {
    let mut all = Gemfile::default();
    // Open blocks: whether each is of development, and whether it is a condition.
    let mut blocks: Vec<(bool, bool)> = Vec::new();
    for (number, line) in file.lines() {
        let line = line.split_once(" #").map_or(line, |(line, _)| line).trim();
        let (word, rest) = line.split_once([' ', '(']).unwrap_or((line, ""));
        match word {
            "gem" => {
                let mut found = gem(rest, name, number);
                if let Some(gem) = &mut found {
                    gem.dev |= blocks.iter().any(|(dev, _)| *dev);
                    gem.conditional |= blocks.iter().any(|(_, conditional)| *conditional);
                }
                all.gems.extend(found);
            }
            "ruby" if rest.contains("file:") => {
                all.ruby_file = literals(rest).next().map(|text| (number, text.to_owned()));
            }
            "ruby" => {
                // `ruby File.read(".ruby-version")` and `ruby ENV["VERSION"] || "3.3"` have other literals, too.
                let is_version = |text: &&str| {
                    let text = text.trim_start_matches(['<', '>', '=', '~', '!', ' ']);
                    text.starts_with(|c: char| c.is_ascii_digit())
                };
                let versions = rest.split("engine").next().unwrap_or_default();
                let texts: Vec<&str> = literals(versions).filter(is_version).collect();
                let file = literals(rest).find(|text| text.ends_with(".ruby-version"));
                if let Some(file) = file.filter(|_| rest.contains("read")) {
                    all.ruby_file = Some((number, file.to_owned()));
                } else if !texts.is_empty() {
                    all.ruby = Some((number, texts.join(", ")));
                }
            }
            "gemspec" | "eval_gemfile" => all.evaluates = Some(number),
            "end" => {
                blocks.pop();
            }
            _ => {}
        }
        if line.ends_with(" do") || line.contains(" do |") {
            let conditional = matches!(word, "platforms" | "platform" | "install_if");
            blocks.push((word == "group" && is_development(rest), conditional));
        } else if matches!(word, "if" | "unless" | "case") {
            blocks.push((false, true));
        }
    }
    all
}

fn gem(rest: &str, file: &str, number: usize) -> Option<Gem> {
    let name = literals(rest).next()?.to_owned();
    let after = |key: &str| rest.split_once(key).map(|(_, after)| after);
    let path = after("path:").or_else(|| after(":path =>"));
    let path = path.and_then(|rest| literals(rest).next()).map(str::to_owned);
    let group = after("group:").or_else(|| after("groups:")).or_else(|| after(":group =>"));
    let dev = group.is_some_and(is_development);
    let conditional =
        ["platform", " if ", " unless ", "install_if"].iter().any(|word| rest.contains(word));
    Some(Gem { name, source: format!("{file}:{number}"), dev, path, conditional })
}

/// Returns whether groups are of development and tests alone.
fn is_development(groups: &str) -> bool {
    let names = groups.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let mut names =
        names.filter(|name| !name.is_empty() && !matches!(*name, "do" | "optional" | "true"));
    let mut is_some = false;
    let all = names.all(|name| {
        is_some = true;
        matches!(name, "development" | "test" | "ci" | "doc" | "docs" | "lint")
    });
    all && is_some
}

/// Returns the text literals of a line.
pub(super) fn literals(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(['"', '\''])?;
        let quote = rest.get(start..)?.chars().next()?;
        let (literal, after) = rest.get(start + 1..)?.split_once(quote)?;
        rest = after;
        Some(literal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gems_have_their_groups_and_paths() {
        let text = "source \"https://gems.example.com\"\nruby '~> 3.2', '>= 3.2.1'\n\
                    gem \"rails\", \"~> 8.0\" # the framework\n\
                    group :development, :test do\n  gem 'rspec-rails'\nend\n\
                    gem \"money\", path: \"libs/money\"\ngem \"pry\", group: :development\n# gem \"x\"\n";
        let read = read(&File { path: "Gemfile".into(), text: text.into() }, "Gemfile");
        let gems: Vec<_> =
            read.gems.iter().map(|gem| (&*gem.name, &*gem.source, gem.dev)).collect();
        assert_eq!(
            gems,
            [
                ("rails", "Gemfile:3", false),
                ("rspec-rails", "Gemfile:5", true),
                ("money", "Gemfile:7", false),
                ("pry", "Gemfile:8", true),
            ]
        );
        assert_eq!(read.gems.get(2).unwrap().path.as_deref(), Some("libs/money"));
        assert_eq!(read.ruby, Some((2, "~> 3.2, >= 3.2.1".to_owned())));
        let ruby = |text: &str| {
            let read = super::read(&File { path: "Gemfile".into(), text: text.into() }, "Gemfile");
            (read.ruby.map(|(_, text)| text), read.ruby_file.map(|(_, path)| path))
        };
        assert_eq!(ruby("ruby ENV['RUBY'] || '3.3.1'\n"), (Some("3.3.1".to_owned()), None));
        let file = Some(".ruby-version".to_owned());
        assert_eq!(ruby("ruby File.read('.ruby-version').strip\n"), (None, file.clone()));
        assert_eq!(ruby("ruby file: '.ruby-version'\n"), (None, file));
    }
}
