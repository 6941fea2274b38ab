//! The script `test`: what it runs, and with which files.

use windlass_plugin_sdk::{App, js::Package};

/// Tools whose output names each test. A script may also be a linter.
const NAMING: [&str; 9] = [
    "node --test",
    "--test",
    "jest",
    "vitest",
    "mocha",
    "react-scripts test",
    "jasmine",
    "ava",
    "bun test",
];

/// Files that may configure jest or vitest to pass without tests.
const CONFIGS: [&str; 11] = [
    "package.json",
    "jest.config.js",
    "jest.config.ts",
    "jest.config.mjs",
    "jest.config.cjs",
    "jest.config.json",
    "vitest.config.js",
    "vitest.config.ts",
    "vitest.config.mts",
    "vite.config.js",
    "vite.config.ts",
];

/// Files that node:test and mocha take besides those of the manifest's markers.
const FILES: [&str; 7] = [
    "**/*.{test,spec}.{js,ts,mjs,cjs,jsx,tsx,mts,cts}",
    "**/__tests__/**/*.{js,ts,mjs,cjs,jsx,tsx}",
    "test/**/*.{js,ts,mjs,cjs}",
    "test.{js,ts,mjs,cjs}",
    "**/*-test.{js,ts,mjs,cjs}",
    "**/*_test.{js,ts,mjs,cjs}",
    "**/test-*.{js,ts,mjs,cjs}",
];

/// Returns the script, unless it is that of `npm init`, which only fails.
pub(crate) fn of(package: &Package) -> Option<&str> {
    let script = package.script("test")?.trim();
    (!script.is_empty() && !script.contains("no test specified")).then_some(script)
}

/// Returns the command of the script by the recipe's own package manager, as `pnpm 9` of its tools names it.
pub(crate) fn manager(tools: &[String]) -> &'static [&'static str] {
    let has = |name: &str| tools.iter().any(|tool| tool.split(' ').next() == Some(name));
    match () {
        () if has("pnpm") => &["pnpm", "test"],
        () if has("yarn") => &["yarn", "test"],
        () if has("bun") => &["bun", "run", "test"],
        () => &["npm", "test"],
    }
}

/// Returns files that hold tests, of many the first.
pub(crate) fn files(app: &App<'_>) -> Vec<String> {
    app.glob(&FILES, 20)
}

/// Returns the script with those of its own package that it runs by name, `npm run test:unit`.
pub(crate) fn reached(package: &Package, script: &str) -> String {
    let mut all = script.to_owned();
    let mut seen = vec!["test".to_owned()];
    // Each round reads one more script: there may be circles.
    for _ in 0..10 {
        let next = all.split([' ', '&', ';', '|']).find_map(|word| {
            let known = seen.iter().any(|name| name == word);
            let script = if known { None } else { package.script(word) };
            script.map(|script| (word.to_owned(), script.to_owned()))
        });
        let Some((name, script)) = next else { break };
        all = format!("{all} ; {script}");
        seen.push(name);
    }
    all
}

/// Returns whether a script runs a tool that names its tests.
pub(crate) fn names_tests(script: &str) -> bool {
    let is_word = |tool: &str| script.split([' ', '/', ';', '&', '|']).any(|word| word == tool);
    NAMING.iter().any(|tool| is_word(tool) || tool.contains(' ') && script.contains(tool))
}

/// Returns whether the script, jest's part of package.json or a file of its own says that no test is no error.
pub(crate) fn passes_without(app: &App<'_>) -> bool {
    let will_do =
        |text: &str| text.contains("passWithNoTests") || text.contains("pass-with-no-tests");
    CONFIGS.iter().any(|path| app.read(path).ok().flatten().is_some_and(|file| will_do(&file.text)))
}

#[cfg(test)]
mod tests {
    use super::{manager, names_tests};

    #[test]
    fn the_recipes_own_manager_runs_the_script() {
        let of = |tool: &str| manager(&["node 22".to_owned(), tool.to_owned()]).join(" ");
        assert_eq!(of("pnpm 9.15.9"), "pnpm test");
        assert_eq!(of("yarn 1.22.22"), "yarn test");
        assert_eq!(of("npm"), "npm test");
        assert_eq!(manager(&[]).join(" "), "npm test");
    }

    #[test]
    fn a_tools_name_is_a_word_and_no_part_of_one() {
        assert!(names_tests("NODE_ENV=test node_modules/.bin/jest --ci"));
        assert!(names_tests("node --import tsx --test"));
        assert!(!names_tests("lava-check && eslint --ext .js"));
    }
}
