//! Assets that take files of Composer's packages, or call PHP: they are built behind its install, in the same stage.

use windlass_plugin_sdk::{App, Detection, Stage, Step, js, php::Project, run};

/// Files that may name such files.
const FILES: [&str; 17] = [
    "package.json",
    "vite.config.js",
    "vite.config.ts",
    "vite.config.mjs",
    "webpack.mix.js",
    "webpack.config.js",
    "tailwind.config.js",
    "tailwind.config.ts",
    "postcss.config.js",
    "resources/css/app.css",
    "resources/sass/app.scss",
    "resources/js/app.js",
    "resources/js/app.ts",
    "resources/js/app.jsx",
    "resources/js/app.tsx",
    "resources/js/ssr.js",
    "assets/bootstrap.js",
];

/// Returns stages and steps of assets that need `vendor/`. `None` means that Node's own stage builds them.
pub(crate) fn assets(
    app: &App<'_>,
    project: &Project,
    found: &mut Detection,
) -> Option<(Vec<Stage>, Vec<Step>)> {
    project.composer.as_ref()?;
    let source = FILES.into_iter().find_map(|path| {
        let file = app.read(path).ok()??;
        // A pattern of files may match none.
        let mut lines = file.lines();
        let (line, _) = lines.find(|(_, line)| {
            let is_file = line.contains("vendor/") && !line.contains('*');
            is_file || line.contains("vite-plugin-wayfinder")
        })?;
        Some(format!("{path}:{line}"))
    })?;
    let brought = match js::brought(app) {
        Ok(brought) => brought.filter(|brought| !brought.scripts.is_empty())?,
        Err(refusal) => {
            found.warn(
                format!("{source}: assets are not built: {}", refusal.reason),
                refusal.hint.clone(),
            );
            return None;
        }
    };
    found.because(format!("{source}: assets are built where Composer's packages are"));
    found.build_secrets.extend(brought.secrets);
    let mut steps = brought.steps;
    for script in &brought.scripts {
        let mut argv: Vec<String> = Vec::new();
        if !brought.env.is_empty() {
            argv.push("env".to_owned());
            argv.extend(brought.env.iter().map(|(name, value)| format!("{name}={value}")));
        }
        argv.extend(script.iter().cloned());
        steps.push(run(&argv));
    }
    steps.push(run(&["rm", "-rf", "node_modules"]));
    Some((brought.stages, steps))
}
