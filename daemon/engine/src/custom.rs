//! Custom command: a Dockerfile that runs the user's own command, and copies what it makes onto a base.
//!
//! BuildKit has no Docker socket, and neither the network nor the rights of the host are asked for.

use crate::dockerfile::exec;
use std::fmt::Write;
use windlass_model::{
    runtime::WEB,
    spec::{CustomBuild, FILE, Spec, SpecError},
    version,
};

/// Stage that has the command's tools, and what it made. Tests run in it.
pub const STAGE: &str = "build";

/// Numeric user of the image.
const USER: u32 = 10001;

/// Returns the Dockerfile of a spec's custom command. `None` means that the spec has none.
///
/// # Errors
/// [`SpecError`] names a key that is missing, or that cannot be written.
pub fn of(spec: &Spec) -> Result<Option<String>, SpecError> {
    let custom = spec.build.custom()?;
    let web = spec.processes.get(WEB).map(|web| &*web.command).unwrap_or_default();
    let start = if spec.command.is_empty() { web } else { spec.command.as_slice() };
    Ok(custom.map(|custom| render(spec, &custom, start)))
}

fn render(spec: &Spec, custom: &CustomBuild<'_>, start: &[String]) -> String {
    let CustomBuild { command, image, output, base, caches } = custom;
    let mut text = format!("# build.command of {FILE}\n\nFROM {image} AS {STAGE}\nWORKDIR /app\n");
    let offered = [version::COMMIT, version::VERSION];
    let own = spec.build.arguments.keys().map(String::as_str);
    for name in own.filter(|name| !offered.contains(name)).chain(offered) {
        let _ = writeln!(text, "ARG {name}");
    }
    text.push_str("COPY . .\nRUN ");
    for cache in *caches {
        let _ = write!(text, "--mount=type=cache,target={cache} ");
    }
    for secret in &spec.build.secrets {
        let _ = write!(text, "--mount=type=secret,id={secret} ");
    }
    let _ = write!(
        text,
        "{}\n\nFROM {base} AS run\nWORKDIR /app\nCOPY --from={STAGE} /app/{output} ./\nUSER {USER}\n",
        exec(command)
    );
    if !start.is_empty() {
        let _ = writeln!(text, "CMD {}", exec(start));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_dockerfile_that_a_person_could_have_written() {
        let spec = Spec::from_toml(
            r#"
            command = ["./app"]
            [build]
            command = ["make", "image"]
            image = "debian:bookworm-slim"
            output = "dist"
            base = "gcr.io/distroless/static"
            caches = ["/root/.cache"]
            secrets = ["npm-token"]
            arguments = { FLAVOUR = "sweet" }
            "#,
        )
        .unwrap();
        let expected = r#"# build.command of windlass.toml

FROM debian:bookworm-slim AS build
WORKDIR /app
ARG FLAVOUR
ARG WINDLASS_COMMIT
ARG WINDLASS_VERSION
COPY . .
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=npm-token ["make", "image"]

FROM gcr.io/distroless/static AS run
WORKDIR /app
COPY --from=build /app/dist ./
USER 10001
CMD ["./app"]
"#;
        assert_eq!(of(&spec).unwrap().as_deref(), Some(expected));
        assert_eq!(of(&Spec::default()), Ok(None));
        let mut bare = spec;
        bare.command = Vec::new();
        assert!(!of(&bare).unwrap().unwrap().contains("CMD"), "the base's own command stays");
    }
}
