//! All codes that a diagnosis can have, and their pages: `windlass explain` prints them, and
//! `deploy/reference/problems/` publishes them.

use crate::diagnose::{Code, example};
use windlass_model::job::Stage;
use windlass_rollout::problem::{self, Problem};

/// Likeness from which on a code is suggested, from 0 to 1.
const LIKE: f64 = 0.8;

/// A code and its page.
#[derive(Clone, Copy, Debug)]
pub struct Entry(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A code that the pipeline makes.
    Pipeline(Code),
    /// A problem that a cluster shows.
    Cluster(&'static Problem),
}

impl Entry {
    /// Returns the code: `tests-failed`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.0 {
            Kind::Pipeline(code) => code.page().code,
            Kind::Cluster(problem) => problem.code,
        }
    }

    /// Returns the reference: `WL-K8S-020`. `None` means that the code is no problem of a cluster.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        match self.0 {
            Kind::Pipeline(_) => None,
            Kind::Cluster(problem) => Some(problem.reference()),
        }
    }

    /// Returns the stage that fails so most often. `None` means any.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        match self.0 {
            Kind::Pipeline(code) => code.page().stages.first().copied(),
            Kind::Cluster(_) => Some(Stage::Release),
        }
    }

    /// Returns the heading.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.0 {
            Kind::Pipeline(code) => code.page().title,
            Kind::Cluster(problem) => problem.title,
        }
    }

    /// Returns the page as Markdown, with an example.
    #[must_use]
    pub fn page(&self) -> String {
        match self.0 {
            Kind::Pipeline(code) => code.page().text(&example(code)),
            Kind::Cluster(problem) => problem::page(problem),
        }
    }

    /// Returns true if this is the name of the entry, in lower case: code, reference or number.
    fn is(&self, name: &str) -> bool {
        let is_of_problem = match self.0 {
            Kind::Pipeline(_) => false,
            Kind::Cluster(problem) => {
                problem.reference().to_lowercase() == name
                    || problem.number.to_string() == name.trim_start_matches('0')
            }
        };
        is_of_problem || self.code() == name
    }
}

/// Returns all codes by stage, in the order of the pipeline. Those of any stage come last.
#[must_use]
pub fn entries() -> Vec<Entry> {
    let ours = Code::ALL.into_iter().map(Kind::Pipeline);
    let of_cluster = problem::by_number().into_iter().map(Kind::Cluster);
    let mut all: Vec<_> = ours.chain(of_cluster).map(Entry).collect();
    all.sort_by_key(|entry| (entry.stage().is_none(), entry.stage()));
    all
}

/// Returns the entry of a code, a reference or its number. Letters' case does not matter.
#[must_use]
pub fn find(name: &str) -> Option<Entry> {
    let name = name.trim().to_lowercase();
    entries().into_iter().find(|entry| entry.is(&name))
}

/// Returns the code that is most like a name that is none. `None` means that none is like it.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.trim().to_lowercase();
    let likeness = |entry: Entry| (strsim::jaro_winkler(&name, entry.code()), entry.code());
    let all = entries().into_iter().map(likeness);
    let (like, code) = all.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (like >= LIKE).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs};
    use windlass_model::spec::Spec;

    fn blocks(page: &str) -> Vec<String> {
        let blocks = page.split("\n```toml\n").skip(1);
        blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_code_has_its_page_and_no_page_is_left_over() {
        let mut wrong = Vec::new();
        let mut files = BTreeSet::new();
        for entry in entries() {
            let file = windlass_blessed::reference(&format!("problems/{}.md", entry.code()));
            if !windlass_blessed::holds(&file, &entry.page()) {
                wrong.push(entry.code());
            }
            assert!(files.insert(file), "two codes are spelled {}", entry.code());
        }
        assert!(wrong.is_empty(), "pages are not of this code: {wrong:?}");
        for file in fs::read_dir(windlass_blessed::reference("problems")).unwrap() {
            let file = file.unwrap().path();
            assert!(files.contains(&file), "no code has the page {}", file.display());
        }
    }

    /// The failure of each page is diagnosed as the page's code.
    #[test]
    fn examples_have_the_code_of_their_page() {
        for code in Code::ALL {
            let diagnosis = example(code);
            assert_eq!(diagnosis.code, String::from(code), "{diagnosis}");
            let stages = code.page().stages;
            assert!(stages.is_empty() || stages.contains(&diagnosis.stage), "{diagnosis}");
        }
    }

    #[test]
    fn related_codes_exist() {
        let all: BTreeSet<_> = entries().iter().map(Entry::code).collect();
        for code in Code::ALL {
            let page = code.page();
            for related in page.related {
                assert!(*related != page.code && all.contains(related), "{related}");
            }
        }
    }

    /// Lines that a page gives people to write can be read.
    #[test]
    fn lines_of_windlass_toml_are_read_by_its_parser() {
        for entry in entries() {
            for block in blocks(&entry.page()) {
                let (first, lines) = block.split_once('\n').unwrap();
                match first {
                    "# windlass.toml" => {
                        let read = Spec::from_toml(lines);
                        read.unwrap_or_else(|error| panic!("{}: {error}", entry.code()));
                    }
                    "# windlassd.toml" => {
                        let read = toml::from_str::<toml::Table>(lines);
                        read.unwrap_or_else(|error| panic!("{}: {error}", entry.code()));
                    }
                    other => panic!("{}: which file has `{other}`?", entry.code()),
                }
            }
        }
    }

    #[test]
    fn a_page_is_found_by_each_of_its_names() {
        for name in ["app-crashes", "WL-K8S-020", "wl-k8s-020", "20", "020", " App-Crashes "] {
            assert_eq!(find(name).map(|entry| entry.code()), Some("app-crashes"), "{name}");
        }
        assert_eq!(find("tests-failed").and_then(|entry| entry.reference()), None);
        for name in ["", "0", "WL-K8S-999", "test-failed"] {
            assert!(find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_nearly_a_code_is_answered_with_it() {
        for (name, code) in [
            ("test-failed", Some("tests-failed")),
            ("TESTS_FAILED", Some("tests-failed")),
            ("app-crash", Some("app-crashes")),
            ("nothing-detect", Some("nothing-detected")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(name), code, "{name}");
        }
    }
}
