//! Main classes that no build names.

use windlass_plugin_sdk::{App, workspace::folders::join};

/// Number of source files that are read.
const MOST: u32 = 1_000;

/// Returns the only class of a project with a main function, and its file. `None` means that there is none, or that
/// there are several.
pub(crate) fn main_class(app: &App<'_>, folder: &str) -> Option<(String, String)> {
    let pattern = join(folder, "src/main/{java,kotlin}/**/*.{java,kt}")?;
    let files = app.repo.glob(&[&pattern], MOST).ok()?;
    let mut found = None;
    for path in files {
        // A file that cannot be read has no main function that is known.
        let Some(text) = app.repo.read_text(&path, 1 << 20).ok().flatten() else { continue };
        let Some(class) = class(&path, &text) else { continue };
        if found.replace((class, path)).is_some() {
            return None;
        }
    }
    found
}

/// Returns the class whose main function a file declares.
fn class(path: &str, text: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let class = match name.strip_suffix(".java") {
        Some(class) => {
            let is_main = |line: &str| line.contains("static void main(");
            text.lines().any(is_main).then(|| class.to_owned())?
        }
        None => {
            let is_main = |line: &str| {
                let line = line.strip_prefix("suspend ").unwrap_or(line);
                line.starts_with("fun main(")
            };
            text.lines().any(is_main).then_some(())?;
            // Kotlin's compiler names the class of a file's own functions.
            let stem = name.strip_suffix(".kt")?;
            let mut letters = stem.chars();
            let first = letters.next()?;
            format!("{}{}Kt", first.to_uppercase(), letters.as_str())
        }
    };
    let package = text.lines().find_map(|line| line.trim().strip_prefix("package "));
    let package = package.map(|rest| rest.trim().trim_end_matches(';').trim());
    Some(package.map_or_else(|| class.clone(), |package| format!("{package}.{class}")))
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn classes_are_named_as_the_compilers_do() {
        let java = "package com.shop;\n\npublic class Main {\n  public static void main(String[] a) {}\n}\n";
        assert_eq!(
            class("src/main/java/com/shop/Main.java", java).as_deref(),
            Some("com.shop.Main")
        );
        let kotlin = "package com.shop\n\nfun main() {\n}\n";
        assert_eq!(class("src/main/kotlin/app.kt", kotlin).as_deref(), Some("com.shop.AppKt"));
        assert_eq!(class("a/Other.kt", "class Other\n"), None);
    }
}
