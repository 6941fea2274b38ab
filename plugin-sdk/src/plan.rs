//! Short ways to write a plan.

use crate::{
    bindings::detector::exports::windlass::plugin::detector::{CopyFiles, RunCommand, Stage, Step},
    commands::is_shells_own,
};

/// User of an image that needs no other: a number, so that Kubernetes can check that it is not root (`runAsNonRoot`).
pub const USER: u32 = 10001;

/// Port of an app that reads `PORT`.
pub const PORT: u16 = 8080;

fn owned<T: AsRef<str>>(texts: &[T]) -> Vec<String> {
    texts.iter().map(|text| text.as_ref().to_owned()).collect()
}

/// Returns a stage without steps. `base` is an image or an earlier stage.
#[must_use]
pub fn stage(name: &str, base: impl Into<String>) -> Stage {
    Stage {
        name: name.to_owned(),
        base: base.into(),
        workdir: None,
        env: Vec::new(),
        packages: Vec::new(),
        steps: Vec::new(),
        why: None,
    }
}

/// Returns a step that copies files of the context (`COPY`).
#[must_use]
pub fn copy<T: AsRef<str>>(sources: &[T], dest: &str) -> Step {
    Step::Copy(CopyFiles {
        from: None,
        sources: owned(sources),
        dest: dest.to_owned(),
        owned: false,
        why: None,
    })
}

/// Returns a step that copies files of an earlier stage (`COPY --from`).
#[must_use]
pub fn copy_from(stage: &str, source: &str, dest: &str) -> Step {
    Step::Copy(CopyFiles {
        from: Some(stage.to_owned()),
        sources: vec![source.to_owned()],
        dest: dest.to_owned(),
        owned: false,
        why: None,
    })
}

/// Returns a step that runs a command (`RUN` in exec form).
#[must_use]
pub fn run<T: AsRef<str>>(argv: &[T]) -> Step {
    Step::Run(RunCommand {
        command: owned(argv),
        caches: Vec::new(),
        secrets: Vec::new(),
        why: None,
    })
}

/// Returns the step where the files come in that another detector's `assets` build, if there are any.
#[must_use]
pub fn assets() -> Step {
    Step::Assets
}

/// Returns the argv of a line that needs a shell. `exec` replaces the shell by the app, so that signals reach it.
#[must_use]
pub fn shell(line: &str) -> Vec<String> {
    let line = line.trim();
    let before_last = match line.rsplit_once("&&") {
        // Within quotes `&&` is text.
        Some((before, _)) if !line.contains(['"', '\'']) => before.len() + "&&".len(),
        _ => 0,
    };
    let (before, last) = line.split_at_checked(before_last).unwrap_or(("", line));
    let last = last.trim_start();
    let first = last.split_whitespace().next().unwrap_or_default();
    // A pipe, a list or a block has no single command to replace the shell by. `${PORT}` is none of them.
    let is_compound =
        |line: &str, letters: &[char]| line.replace("${", "").replace("$(", "").contains(letters);
    let is_one = !is_compound(last, &['|', ';', '&', '(', '{', '\n'])
        && !is_compound(before, &['|', ';', '(', '{', '\n']);
    let exec = match first {
        "" => "",
        first if is_shells_own(first) => "",
        _ if !is_one => "",
        first if first.contains('=') => "exec env ",
        _ => "exec ",
    };
    let space = if before.is_empty() { "" } else { " " };
    vec!["sh".to_owned(), "-c".to_owned(), format!("{before}{space}{exec}{last}")]
}

/// Builders of a stage.
pub trait StageExt: Sized {
    /// Adds a step that copies files of the context.
    #[must_use]
    fn copy<T: AsRef<str>>(self, sources: &[T], dest: &str) -> Self;

    /// Adds a step that copies files of an earlier stage.
    #[must_use]
    fn copy_from(self, stage: &str, source: &str, dest: &str) -> Self;

    /// Adds a step that runs a command.
    #[must_use]
    fn run<T: AsRef<str>>(self, argv: &[T]) -> Self;

    /// Adds a step.
    #[must_use]
    fn step(self, step: Step) -> Self;

    /// Sets a variable of the stage (`ENV`).
    #[must_use]
    fn env(self, name: &str, value: impl Into<String>) -> Self;

    /// Adds packages of the base's distribution, which are installed before the steps.
    #[must_use]
    fn packages<T: AsRef<str>>(self, names: &[T]) -> Self;

    /// Sets the working directory (`WORKDIR`), an absolute path.
    #[must_use]
    fn workdir(self, path: impl Into<String>) -> Self;

    /// Sets the comment above the stage.
    #[must_use]
    fn why(self, why: impl Into<String>) -> Self;
}

impl StageExt for Stage {
    fn copy<T: AsRef<str>>(self, sources: &[T], dest: &str) -> Self {
        self.step(copy(sources, dest))
    }

    fn copy_from(self, stage: &str, source: &str, dest: &str) -> Self {
        self.step(copy_from(stage, source, dest))
    }

    fn run<T: AsRef<str>>(self, argv: &[T]) -> Self {
        self.step(run(argv))
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    fn packages<T: AsRef<str>>(mut self, names: &[T]) -> Self {
        self.packages.extend(owned(names));
        self
    }

    fn workdir(mut self, path: impl Into<String>) -> Self {
        self.workdir = Some(path.into());
        self
    }

    fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}

/// Builders of a step. Each leaves steps of another kind as they are.
pub trait StepExt: Sized {
    /// Adds folders that outlive the build (`--mount=type=cache`).
    #[must_use]
    fn cached<T: AsRef<str>>(self, folders: &[T]) -> Self;

    /// Adds variables whose values are mounted for this command alone (`--mount=type=secret`).
    #[must_use]
    fn secrets<T: AsRef<str>>(self, variables: &[T]) -> Self;

    /// Gives the copied files to the image's user (`COPY --chown`): for folders that the app writes to.
    #[must_use]
    fn owned(self) -> Self;

    /// Sets the comment above the step.
    #[must_use]
    fn why(self, why: impl Into<String>) -> Self;
}

impl StepExt for Step {
    fn cached<T: AsRef<str>>(mut self, folders: &[T]) -> Self {
        if let Self::Run(run) = &mut self {
            run.caches.extend(owned(folders));
        }
        self
    }

    fn secrets<T: AsRef<str>>(mut self, variables: &[T]) -> Self {
        if let Self::Run(run) = &mut self {
            run.secrets.extend(owned(variables));
        }
        self
    }

    fn owned(mut self) -> Self {
        if let Self::Copy(copy) = &mut self {
            copy.owned = true;
        }
        self
    }

    fn why(mut self, why: impl Into<String>) -> Self {
        match &mut self {
            Self::Copy(copy) => copy.why = Some(why.into()),
            Self::Run(run) => run.why = Some(why.into()),
            Self::Assets => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_becomes_the_app_where_the_line_is_one_command() {
        for (line, expected) in [
            ("gunicorn -b :$PORT app", "exec gunicorn -b :$PORT app"),
            ("gunicorn -b :${PORT:-80} app", "exec gunicorn -b :${PORT:-80} app"),
            ("exec node a.js", "exec node a.js"),
            ("eval \"$START\"", "eval \"$START\""),
            ("ulimit -n 4096 && node a.js", "ulimit -n 4096 && exec node a.js"),
            ("A=b node a.js", "exec env A=b node a.js"),
            ("cd web && node a.js", "cd web && exec node a.js"),
            ("node a.js | tee log", "node a.js | tee log"),
            ("node a.js; true", "node a.js; true"),
            ("echo \"a && b\"", "echo \"a && b\""),
        ] {
            assert_eq!(shell(line), ["sh", "-c", expected]);
        }
    }
}
