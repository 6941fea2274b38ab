use super::{ITSELF, plan, refusal};
use windlass_plugin_sdk::{testing::Files, tree};

fn app() -> Files {
    tree! { "requirements.txt" => "flask\n", "main.py" => ITSELF }
}

fn decided(files: &Files) -> (String, String) {
    let plan = plan(files);
    let (version, source) = plan.decided("python").unwrap();
    (version.to_owned(), source.to_owned())
}

#[test]
fn the_first_version_of_a_python_version_file_decides() {
    for (text, version, source) in [
        ("3.12\n", "3.12", ".python-version:1"),
        ("# ours\r\n\r\n3.11.9 # pinned\r\n3.10\r\n", "3.11.9", ".python-version:3"),
        ("\u{feff}python-3.12.4\n", "3.12.4", ".python-version:1"),
        ("cpython-3.12.4-linux-x86_64-gnu\n", "3.12.4", ".python-version:1"),
        ("shop-env\n3.12\n", "3.12", ".python-version:2"),
    ] {
        let found = decided(&app().with(".python-version", text));
        assert_eq!(found, (version.to_owned(), source.to_owned()), "{text}");
    }
    let found = plan(&app().with(".python-version", "3.12\n"));
    assert_eq!(found.base(), "python:3.12-slim");
}

#[test]
fn a_heroku_runtime_decides_and_an_exact_patch_is_taken() {
    let found = decided(&app().with("runtime.txt", "python-3.11.4\n"));
    assert_eq!(found, ("3.11.4".to_owned(), "runtime.txt:1".to_owned()));
}

#[test]
fn ranges_of_each_manifest_are_read_by_their_grammar() {
    let project =
        |line: &str| format!("[project]\nname = \"shop\"\nrequires-python = \"{line}\"\n");
    let poetry = |line: &str| {
        format!("[tool.poetry]\nname = \"shop\"\n[tool.poetry.dependencies]\npython = \"{line}\"\n")
    };
    for (text, version) in [
        (project(">=3.12,<3.13"), "3.12"),
        (project("~=3.11.0"), "3.11"),
        (project("==3.12.*"), "3.12"),
        (poetry(">=3.11,<3.13"), "3.12"),
        (poetry("~3.11"), "3.11"),
        (poetry("^3.8,<3.12"), "3.11"),
    ] {
        let files = tree! { "main.py" => ITSELF, "pyproject.toml" => &*text };
        assert_eq!(decided(&files).0, version, "{text}");
    }
    let pipfile = "[packages]\nflask = \"*\"\n[requires]\npython_version = \"3.11\"\n";
    let files = tree! { "main.py" => ITSELF, "Pipfile" => pipfile };
    let source = "Pipfile:4 requires.python_version".to_owned();
    assert_eq!(decided(&files), ("3.11".to_owned(), source));
    let cfg = "[metadata]\nname = shop\n[options]\npython_requires = >=3.11,<3.12\n";
    let files = tree! { "main.py" => ITSELF, "setup.cfg" => cfg };
    assert_eq!(decided(&files).1, "setup.cfg:4 python_requires");
}

#[test]
fn the_users_word_and_the_operators_preference_count() {
    let wished = app().with(".python-version", "3.12\n").wish("python", "3.11");
    assert_eq!(decided(&wished).0, "3.11");
    let preferred = tree! {
        "main.py" => ITSELF,
        "pyproject.toml" => "[project]\nname = \"shop\"\nrequires-python = \">=3.10\"\n",
    };
    assert_eq!(decided(&preferred.prefer("python", "3.11")).0, "3.11");
}

#[test]
fn what_is_no_version_of_cpython_is_refused_with_its_line() {
    let refused = refusal(&app().with(".python-version", "# x\npypy3.10-7.3.12\n"));
    assert!(refused.reason.starts_with(".python-version:2"), "{}", refused.reason);
    let refused = refusal(&app().with(".python-version", "banana\n"));
    assert!(refused.reason.contains(".python-version:1"), "{}", refused.reason);
}
