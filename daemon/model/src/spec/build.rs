//! Custom command of a build: checks that all of its keys are there, and what each may hold.

use super::{
    BuildSpec,
    error::{Checked, SpecError, fail},
};

/// Keys that a custom command needs beside itself, and an example of each.
const NEEDED: [(&str, &str); 3] =
    [("image", "debian:bookworm-slim"), ("output", "dist"), ("base", "debian:bookworm-slim")];
/// Stages of the Dockerfile that runs the command: after `FROM` their names are no images'.
const STAGES: [&str; 2] = ["build", "run"];
/// The largest number of bytes of one argument.
const LONGEST_ARGUMENT: usize = 4096;
/// The largest number of arguments, and of caches.
const MOST: (usize, usize) = (256, 20);

/// A build by a command of the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomBuild<'a> {
    /// argv of the command.
    pub command: &'a [String],
    /// Reference of the image that the command runs in.
    pub image: &'a str,
    /// Path of what the command makes, below the app's folder.
    pub output: &'a str,
    /// Reference of the image that the output is copied onto.
    pub base: &'a str,
    /// Absolute folders that outlive a build.
    pub caches: &'a [String],
}

impl BuildSpec {
    /// Returns the custom command with what it needs. `None` means that the spec has no command.
    ///
    /// # Errors
    /// [`SpecError`] names a key that is missing, that has no place beside a command, or whose value cannot be
    /// written into a Dockerfile.
    pub fn custom(&self) -> Result<Option<CustomBuild<'_>>, SpecError> {
        let needed = [&self.image, &self.output, &self.base].map(Option::as_deref);
        if self.command.is_empty() {
            let named = NEEDED.iter().zip(needed).find_map(|((key, _), value)| Some((key, value?)));
            if let Some((key, value)) = named {
                let problem = "is for a build by a command: add `build.command`, such as [\"make\", \"image\"]";
                return fail(&format!("build.{key}"), value, problem);
            }
            return match self.caches.first() {
                Some(cache) => fail("build.caches", cache, "is for a build by `build.command`"),
                None => Ok(None),
            };
        }
        for (key, value) in
            [("dockerfile", &self.dockerfile), ("recipe", &self.recipe), ("target", &self.target)]
        {
            if let Some(value) = value {
                let problem =
                    "stands beside `build.command`, which is another way to build: say one";
                return fail(&format!("build.{key}"), value, problem);
            }
        }
        if let Some((name, version)) = self.versions.first_key_value() {
            let problem =
                "is for detectors, and `build.command` asks none: `build.image` has the version";
            return fail(&format!("build.versions.{name}"), version, problem);
        }
        let [Some(image), Some(output), Some(base)] = needed else {
            let missing = NEEDED.iter().zip(needed).find(|(_, value)| value.is_none());
            let (key, example) = missing.map_or(("image", ""), |(known, _)| *known);
            let problem = format!(
                "is missing: `build.command` needs `image` (where it runs), `output` (what it makes) and `base` (what the output is copied onto); say `{key} = \"{example}\"`"
            );
            return fail(&format!("build.{key}"), "", &problem);
        };
        let custom =
            CustomBuild { command: &self.command, image, output, base, caches: &self.caches };
        custom.check()?;
        if let Some(name) = self.secrets.iter().find(|name| !is_file_name(name)) {
            let problem = "must be letters, digits, `-`, `_` and `.`: it is a file of /run/secrets";
            return fail("build.secrets", name, problem);
        }
        Ok(Some(custom))
    }
}

impl CustomBuild<'_> {
    fn check(&self) -> Checked {
        if self.command.len() > MOST.0 {
            let count = self.command.len().to_string();
            return fail("build.command", &count, &format!("are too many: at most {}", MOST.0));
        }
        let odd = |arg: &&String| arg.len() > LONGEST_ARGUMENT || arg.chars().any(char::is_control);
        if let Some(arg) = self.command.iter().find(odd) {
            let problem = format!(
                "must be at most {LONGEST_ARGUMENT} bytes without control characters: put a longer script into a file of the repository"
            );
            return fail("build.command", arg, &problem);
        }
        for (key, image) in [("image", self.image), ("base", self.base)] {
            if !is_reference(image) {
                let problem = "must be an image's reference, such as `debian:bookworm-slim`";
                return fail(&format!("build.{key}"), image, problem);
            }
            if STAGES.iter().any(|stage| image.eq_ignore_ascii_case(stage)) {
                let problem = "is a stage of the build itself: name the image with its tag";
                return fail(&format!("build.{key}"), image, problem);
            }
        }
        if self.output.starts_with('/') || !is_path(self.output) {
            let problem = "must be a path below the app's folder, such as `dist`";
            return fail("build.output", self.output, problem);
        }
        if self.caches.len() > MOST.1 {
            let count = self.caches.len().to_string();
            return fail("build.caches", &count, &format!("are too many: at most {}", MOST.1));
        }
        let odd = |path: &&String| !path.starts_with('/') || path.len() < 2 || !is_path(path);
        match self.caches.iter().find(odd) {
            Some(path) => {
                fail("build.caches", path, "must be an absolute path, such as `/root/.cache`")
            }
            None => Ok(()),
        }
    }
}

/// Returns whether a text has the letters of an image reference. Only the registry knows whether the image
/// exists.
fn is_reference(image: &str) -> bool {
    image.len() <= 255
        && image.starts_with(|c: char| c.is_ascii_alphanumeric())
        && image.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c))
}

fn is_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 1024
        && !path.starts_with('-')
        && !path.split('/').any(|part| part == "..")
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/+@".contains(c))
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use crate::spec::Spec;

    const WHOLE: &str = "[build]\ncommand = [\"make\", \"image\"]\nimage = \"debian:bookworm-slim\"\noutput = \"dist\"\nbase = \"debian:bookworm-slim\"\n";

    #[test]
    fn a_command_has_all_that_it_needs_or_is_refused_by_the_missing_key() {
        let spec = Spec::from_toml(WHOLE).unwrap();
        let custom = spec.build.custom().unwrap().unwrap();
        assert_eq!((custom.output, custom.command.len()), ("dist", 2));
        assert_eq!(Spec::default().build.custom(), Ok(None));
        for key in ["image", "output", "base"] {
            let lines: Vec<_> =
                WHOLE.lines().filter(|line| !line.starts_with(&format!("{key} ="))).collect();
            let error = Spec::from_toml(&lines.join("\n")).unwrap_err().to_string();
            assert!(error.contains(&format!("build.{key}")), "{error}");
            assert!(error.contains(&format!("say `{key} = ")), "{error}");
        }
    }

    #[test]
    fn what_has_no_place_beside_a_command_or_without_one_is_named() {
        for (text, field) in [
            (format!("{WHOLE}dockerfile = \"Dockerfile\""), "build.dockerfile"),
            (format!("{WHOLE}recipe = \"go\""), "build.recipe"),
            (format!("{WHOLE}target = \"app\""), "build.target"),
            (format!("{WHOLE}versions = {{ node = \"22\" }}"), "build.versions.node"),
            (WHOLE.replace("base = \"debian:bookworm-slim\"", "base = \"build\""), "build.base"),
            (format!("{WHOLE}caches = [\"cache\"]"), "build.caches"),
            (format!("{WHOLE}caches = [\"/a,id=of-another\"]"), "build.caches"),
            (format!("{WHOLE}secrets = [\"a,env=B\"]"), "build.secrets"),
            (WHOLE.replace("\"dist\"", "\"../dist\""), "build.output"),
            (WHOLE.replace("\"dist\"", "\"/dist\""), "build.output"),
            (WHOLE.replace("\"dist\"", "\"a b\""), "build.output"),
            (WHOLE.replace("\"image\"]", "\"a\\nUSER root\"]"), "build.command"),
            (WHOLE.replace("image = \"debian", "image = \"a\\nRUN b "), "build.image"),
            ("[build]\nimage = \"debian\"".to_owned(), "build.image"),
            ("[build]\ncaches = [\"/root/.cache\"]".to_owned(), "build.caches"),
        ] {
            let error = Spec::from_toml(&text).unwrap_err();
            assert!(error.field.ends_with(field), "{field}: {error}");
        }
    }
}
