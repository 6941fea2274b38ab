//! Tools that ask git for a project's version. A build has no `.git`, so each tool gets the version by a variable.

use std::collections::BTreeSet;

/// Placeholder that the host replaces by the commit's version.
const VERSION: &str = "${WINDLASS_VERSION}";

/// Returns the variable of each tool that a project's files name, with the tool.
pub(super) fn variables(project: &str, setup: &str) -> Vec<(String, &'static str)> {
    let words: BTreeSet<String> = [project, setup].into_iter().flat_map(words).collect();
    let names = |word: &str| words.contains(word);
    let mut variables = Vec::new();
    let scm = "SETUPTOOLS_SCM_PRETEND_VERSION";
    if names("hatch-vcs") {
        variables.push((scm.to_owned(), "hatch-vcs"));
    } else if names("setuptools-scm") || names("use-scm-version") {
        // By the project's name where that is known: dependencies that are built with the tool keep their versions.
        let name = project_name(project).filter(|_| !names("scikit-build-core"));
        let variable = name.map_or(scm.to_owned(), |name| format!("{scm}_FOR_{}", upper(&name)));
        variables.push((variable, "setuptools-scm"));
    }
    if (names("pdm-backend") || names("pdm-pep517")) && names("scm") {
        variables.push(("PDM_BUILD_SCM_VERSION".into(), "pdm-backend"));
    }
    for (tool, variable) in [
        ("poetry-dynamic-versioning", "POETRY_DYNAMIC_VERSIONING_BYPASS"),
        ("uv-dynamic-versioning", "UV_DYNAMIC_VERSIONING_BYPASS"),
        ("pbr", "PBR_VERSION"),
    ] {
        if names(tool) {
            variables.push((variable.into(), tool));
        }
    }
    variables
}

/// Returns the environment that sets these variables.
pub(super) fn environment(variables: &[(String, &'static str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, _)| (name.clone(), VERSION.to_owned())).collect()
}

/// Splits a file into words that may be names of packages, in the packages' spelling and without comments.
fn words(text: &str) -> Vec<String> {
    let code = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let words = code.flat_map(|line| line.split(move |c: char| !is_part(c)));
    words.map(|word| word.to_ascii_lowercase().replace('_', "-")).collect()
}

/// Returns `name` of the table `[project]`.
fn project_name(project: &str) -> Option<String> {
    let lines = project.lines().map(str::trim).skip_while(|line| *line != "[project]").skip(1);
    let mut table = lines.take_while(|line| !line.starts_with('['));
    let value = table.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "name").then(|| value.trim())
    })?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value.get(1..)?.split(quote).next().map(str::to_owned)
}

/// Writes a name as setuptools-scm does in a variable: runs of `-`, `_` and `.` are one `_`.
fn upper(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_ascii_uppercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(project: &str, setup: &str) -> Vec<String> {
        variables(project, setup).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn each_tool_is_told_by_its_own_variable() {
        let project = "[project]\nname = \"my.shop-api\" # ours\ndynamic = [\"version\"]\n";
        for (build, expected) in [
            (
                "requires = [\"setuptools\", \"setuptools-scm>=8\"]",
                "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_MY_SHOP_API",
            ),
            (
                "requires = [\"setuptools_scm[toml]\"]",
                "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_MY_SHOP_API",
            ),
            (
                "requires = [\"scikit-build-core\", \"setuptools-scm\"]",
                "SETUPTOOLS_SCM_PRETEND_VERSION",
            ),
            ("requires = [\"hatchling\", \"hatch-vcs\"]", "SETUPTOOLS_SCM_PRETEND_VERSION"),
            (
                "requires = [\"pdm-backend\"]\n[tool.pdm.version]\nsource = \"scm\"",
                "PDM_BUILD_SCM_VERSION",
            ),
            (
                "requires = [\"poetry-core\", \"poetry-dynamic-versioning\"]",
                "POETRY_DYNAMIC_VERSIONING_BYPASS",
            ),
            (
                "requires = [\"hatchling\", \"uv-dynamic-versioning\"]",
                "UV_DYNAMIC_VERSIONING_BYPASS",
            ),
            ("requires = [\"setuptools\", \"pbr\"]", "PBR_VERSION"),
        ] {
            let project = format!("{project}[build-system]\n{build}\n");
            assert_eq!(names(&project, ""), [expected], "{build}");
        }
    }

    #[test]
    fn old_ways_are_known_and_comments_are_none() {
        let setup = "from setuptools import setup\nsetup(use_scm_version=True)\n";
        assert_eq!(names("", setup), ["SETUPTOOLS_SCM_PRETEND_VERSION"]);
        assert_eq!(names("", "setup(setup_requires=['pbr'], pbr=True)"), ["PBR_VERSION"]);
        assert_eq!(names("[build-system]\nrequires = [\"pdm-backend\"]", ""), [""; 0]);
        assert_eq!(names("# setuptools-scm was here\n[project]\nversion = \"1\"", ""), [""; 0]);
    }
}
