//! The frozen WIT: what was built for a release of a track loads for as long as the track lives.

use std::{collections::BTreeMap, fs, path::Path};
use wit_component::semver_check;
use wit_parser::{Resolve, UnresolvedPackageGroup};

const WORLDS: [&str; 4] =
    ["detector-plugin", "test-runner-plugin", "registry-auth-plugin", "deploy-hook-plugin"];

/// Reads files by name, as those of another version of the package, so that both can be resolved together.
fn files(folder: &str, version: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit").join(folder);
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let files = entries.filter(|path| path.extension().is_some_and(|end| end == "wit"));
    files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap().replace("@0.1.0", &format!("@{version}"));
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect()
}

fn push(resolve: &mut Resolve, files: &BTreeMap<String, String>) -> wit_parser::PackageId {
    let mut sources = wit_parser::SourceMap::default();
    for (name, text) in files {
        sources.push_str(name, text);
    }
    let group: UnresolvedPackageGroup = sources.parse().map_err(|(_, error)| error).unwrap();
    resolve.push_group(group).unwrap()
}

fn fits(
    frozen: &BTreeMap<String, String>,
    current: &BTreeMap<String, String>,
) -> Result<(), String> {
    for world in WORLDS {
        let mut resolve = Resolve::default();
        let old = push(&mut resolve, frozen);
        let new = push(&mut resolve, current);
        let old = resolve.select_world(&[old], Some(world)).unwrap();
        let new = resolve.select_world(&[new], Some(world)).unwrap();
        semver_check(resolve, old, new).map_err(|error| format!("{world}: {error:#}"))?;
    }
    Ok(())
}

#[test]
fn what_was_built_for_0_1_0_fits_today() {
    let frozen = files("frozen/0.1.0", "0.1.0-frozen");
    fits(&frozen, &files("", "0.1.0")).unwrap();
    // Changes that break them are found: a record's field, a function's parameter.
    for (file, from, to) in [
        ("detector.wit", "score: u8,", "score: u8, sure: bool,"),
        ("host.wit", "emit: func(level: level, message: string)", "emit: func(message: string)"),
        ("deploy-hook.wit", "wait-ms(u32)", "wait-ms(u32), forget"),
        ("registry-auth.wit", "authenticate: func", "sign-on: func"),
    ] {
        let mut current = files("", "0.1.0");
        let text = current.get_mut(file).unwrap();
        assert!(text.contains(from), "{from}");
        *text = text.replace(from, to);
        fits(&frozen, &current).unwrap_err();
    }
    // One more function breaks nothing.
    let mut current = files("", "0.1.0");
    let text = current.get_mut("host.wit").unwrap();
    *text = text.replace("interface clock {", "interface clock { zone: func() -> string;");
    fits(&frozen, &current).unwrap();
}
