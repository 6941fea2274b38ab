//! Tables of texts and the releases that they get, by the table of 2026-11-26.

use super::*;
use crate::versions::Grammar;

fn ask(
    runtime: Runtime,
    text: &str,
    grammar: Grammar,
    prefer: Option<&str>,
) -> Result<Chosen, Refusal> {
    let asked = Asked { text: text.into(), source: "some:3".into(), grammar };
    resolve(runtime, &asked, prefer)
}

#[test]
fn a_text_gets_the_newest_maintained_release_that_it_allows() {
    use Grammar::{Composer, Go, Npm, Pep440, Plain, Ruby as RubyGems};
    use Runtime::{Bun, Deno, Elixir, Java, Node, Php, Python, Ruby, Rust};
    for (runtime, grammar, text, expected) in [
        // Of Node a long-term release, which has an even number, before others.
        (Node, Npm, ">=18 <21", "20"),
        (Node, Npm, "<23", "22"),
        (Node, Npm, "18.x || 20.x", "20"),
        (Node, Npm, "^20.17.0", "20"),
        (Node, Npm, ">=22", "26"),
        (Node, Npm, "23.x", "23"),
        (Node, Npm, "<20.5", "20.4"),
        (Node, Npm, "8.x", "8"),
        (Node, Npm, "^6.9", "6"),
        (Node, Npm, "lts/carbon", "8"),
        (Node, Npm, "lts/*", "26"),
        (Node, Npm, "lts/iron", "20"),
        (Node, Npm, "lts/Hydrogen", "18"),
        (Node, Npm, "lts/-1", "24"),
        (Node, Npm, "latest", "26"),
        (Node, Npm, "node", "26"),
        (Node, Npm, "*", "26"),
        (Node, Npm, "", "26"),
        (Node, Npm, "20.17.0", "20.17.0"),
        (Node, Npm, "v20.17.0", "20.17.0"),
        (Node, Npm, "20.17", "20.17"),
        (Node, Npm, "22", "22"),
        (Node, Npm, ">=99", "99"),
        (Node, Npm, "99", "99"),
        (Bun, Npm, "^1.1.0", "1"),
        (Deno, Npm, "1.46.3", "1.46.3"),
        (Python, Pep440, ">=3.12,<3.13", "3.12"),
        (Python, Pep440, ">=3.9", "3.14"),
        (Python, Pep440, "~=3.11", "3.14"),
        (Python, Pep440, "==3.11.*", "3.11"),
        (Python, Pep440, "<3.9", "3.8"),
        (Python, Pep440, "~=3.5.2", "3.5"),
        (Python, Pep440, "3.12", "3.12"),
        (Python, Pep440, "3.12.4", "3.12.4"),
        (Python, Pep440, "3", "3.14"),
        (Python, Npm, "^3.11", "3.14"),
        (Python, Npm, "~3.11", "3.11"),
        (Ruby, RubyGems, "~> 3.2", "3.4"),
        (Ruby, RubyGems, ">= 3.1, < 3.4", "3.3"),
        (Ruby, RubyGems, "3.2.2p53", "3.2.2"),
        (Ruby, RubyGems, "~> 3.2.0", "3.2"),
        (Ruby, RubyGems, "~> 2.6.3", "2.6"),
        (Php, Composer, "~7.2.0", "7.2"),
        (Php, Composer, "^5.6", "5.6"),
        (Php, Composer, "^8.2", "8.5"),
        (Php, Composer, "^8.1 || ^8.3", "8.5"),
        (Php, Composer, "~8.2.0", "8.2"),
        (Php, Composer, "8.2.*", "8.2"),
        (Php, Composer, "^7.4", "7.4"),
        (Runtime::Go, Go, ">=1.22", "1.27"),
        (Runtime::Go, Go, "go1.25.3", "1.25.3"),
        (Runtime::Go, Go, "1.24", "1.24"),
        (Runtime::Go, Go, ">=1.40", "1.40"),
        (Java, Plain, "17", "17"),
        (Java, Plain, "1.8", "8"),
        (Java, Plain, "17.0.9", "17"),
        (Java, Plain, "17.0.8.7.1", "17"),
        (Java, Plain, "23", "23"),
        (Elixir, RubyGems, "~> 1.15", "1.19"),
        (Elixir, RubyGems, "1.17.2", "1.17.2"),
        (Rust, Plain, ">=1.70", "1"),
        (Rust, Plain, "1.80.1", "1.80.1"),
        (Rust, Plain, "stable", "1"),
    ] {
        let found = ask(runtime, text, grammar, None).unwrap();
        assert_eq!(found.version, expected, "{runtime:?} {text}");
        assert_eq!(found.source, "some:3");
        assert!(!found.is_default);
    }
}

#[test]
fn the_operators_release_goes_first_where_the_range_allows_it() {
    use Runtime::{Go, Node, Python, Rust};
    for (runtime, grammar, text, prefer, expected) in [
        (Node, Grammar::Npm, ">=22", "22", "22"),
        (Node, Grammar::Npm, "lts/*", "22", "22"),
        (Node, Grammar::Npm, ">=18 <21", "22", "20"),
        (Node, Grammar::Npm, "20", "22", "20"),
        // Of 20 this range does not allow all: the tag 20 may hold another one.
        (Node, Grammar::Npm, "<20.5", "20", "20.4"),
        (Python, Grammar::Pep440, ">=3.9", "3.11", "3.11"),
        (Go, Grammar::Go, ">=1.22", "1", "1"),
        (Go, Grammar::Go, "1.25.3", "1", "1.25.3"),
        (Rust, Grammar::Plain, ">=1.70", "1", "1"),
    ] {
        let found = ask(runtime, text, grammar, Some(prefer)).unwrap();
        assert_eq!(found.version, expected, "{runtime:?} {text}");
    }
}

#[test]
fn what_is_no_version_is_refused_with_its_place() {
    for (runtime, grammar, text) in [
        (Runtime::Node, Grammar::Npm, "banana"),
        (Runtime::Node, Grammar::Npm, "22..1"),
        (Runtime::Node, Grammar::Npm, "lts/banana"),
        (Runtime::Python, Grammar::Pep440, "pypy3.10-7.3"),
        (Runtime::Ruby, Grammar::Ruby, "jruby"),
        (Runtime::Php, Grammar::Composer, "banana"),
        (Runtime::Go, Grammar::Go, "banana"),
        (Runtime::Java, Grammar::Plain, "banana"),
    ] {
        let refusal = ask(runtime, text, grammar, None).unwrap_err();
        assert!(refusal.reason.starts_with("`some:3`: "), "{}", refusal.reason);
        assert!(refusal.reason.contains(text), "{}", refusal.reason);
        assert!(!refusal.hint.is_empty());
    }
    let refusal = ask(Runtime::Node, "lts/banana", Grammar::Npm, None).unwrap_err();
    assert!(refusal.hint.contains("lts/iron"), "{}", refusal.hint);
}

#[test]
fn a_range_that_allows_nothing_is_refused() {
    let refusal = ask(Runtime::Python, ">=3.20,<3.10", Grammar::Pep440, None).unwrap_err();
    assert_eq!(refusal.reason, "`some:3`: no release of Python is `>=3.20,<3.10`");
    assert!(ask(Runtime::Node, ">=20 <18", Grammar::Npm, None).is_err());
}

#[test]
fn a_release_that_has_ended_says_since_when() {
    let ended = |runtime, text, grammar| ask(runtime, text, grammar, None).unwrap().ended;
    assert_eq!(ended(Runtime::Node, "20.17.0", Grammar::Npm).as_deref(), Some("2026-04-30"));
    assert_eq!(ended(Runtime::Python, "3.8", Grammar::Pep440).as_deref(), Some("2024-10-07"));
    assert_eq!(ended(Runtime::Node, "22", Grammar::Npm), None);
    assert_eq!(ended(Runtime::Node, "99", Grammar::Npm), None);
}

#[test]
fn without_a_word_the_default_is_taken() {
    for (runtime, expected) in [
        (Runtime::Node, "26"),
        (Runtime::Python, "3.13"),
        (Runtime::Java, "21"),
        (Runtime::Ruby, "3.4"),
        (Runtime::Rust, "1"),
    ] {
        let found = unasked(runtime, None);
        assert_eq!((&*found.version, &*found.source), (expected, "default"), "{runtime:?}");
        assert!(found.is_default);
    }
    assert_eq!(unasked(Runtime::Node, Some("22")).version, "22");
}
