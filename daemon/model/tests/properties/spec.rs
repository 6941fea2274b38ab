//! Merging of specs: the first spec with a value decides, in whatever order specs are merged.

use proptest::prelude::*;
use std::{collections::BTreeMap, fmt::Debug};
use windlass_model::spec::{
    BuildSpec, ExposeSpec, ProcessSpec, ResourceSpec, Spec, TestSpec, VolumeSpec,
};

/// A map of short names, some of which two specs have in common.
fn map<V: Debug>(value: impl Strategy<Value = V>) -> impl Strategy<Value = BTreeMap<String, V>> {
    prop::collection::btree_map("[a-c]{1,2}", value, 0..3)
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-z]{0,3}", 0..3)
}

fn maybe(pattern: &'static str) -> impl Strategy<Value = Option<String>> {
    prop::option::of(pattern)
}

fn port() -> impl Strategy<Value = Option<u16>> {
    prop::option::of(1_u16..5)
}

fn count() -> impl Strategy<Value = Option<u32>> {
    prop::option::of(0_u32..5)
}

fn resources() -> impl Strategy<Value = ResourceSpec> {
    (maybe("[1-3]"), maybe("[1-3]Mi"), maybe("[4-6]Mi")).prop_map(|(cpu, memory, memory_limit)| {
        ResourceSpec { cpu, memory, memory_limit, ..ResourceSpec::default() }
    })
}

/// Draws a volume with a path: one without a path is refused before specs are merged.
fn volume() -> impl Strategy<Value = VolumeSpec> {
    ("/[a-c]", maybe("[1-3]Gi"), prop::option::of(any::<bool>())).prop_map(
        |(path, size, read_only)| VolumeSpec {
            path: Some(path),
            size,
            read_only,
            ..VolumeSpec::default()
        },
    )
}

fn process() -> impl Strategy<Value = ProcessSpec> {
    let off = prop::option::of(any::<bool>());
    (
        (off, port(), map(1_u16..5), texts(), map("[a-z]{0,3}")),
        (count(), resources(), maybe("/[a-c]"), map(volume()), maybe("@daily|@hourly")),
    )
        .prop_map(
            |(
                (off, port, ports, command, env),
                (replicas, resources, health, volumes, schedule),
            )| {
                ProcessSpec {
                    off,
                    port,
                    ports,
                    command,
                    env,
                    replicas,
                    resources,
                    health,
                    volumes,
                    schedule,
                    ..ProcessSpec::default()
                }
            },
        )
}

/// Draws processes. Some are only named: they are there, too.
fn processes() -> impl Strategy<Value = BTreeMap<String, ProcessSpec>> {
    let process = prop_oneof![1 => Just(ProcessSpec::default()), 5 => process()];
    let name = prop::sample::select(vec!["web", "worker", "nightly"]).prop_map(str::to_owned);
    prop::collection::btree_map(name, process, 0..3)
}

fn expose() -> impl Strategy<Value = ExposeSpec> {
    (port(), texts(), maybe("/[a-c]"), map("[a-z]{0,3}")).prop_map(
        |(port, hosts, path, annotations)| ExposeSpec {
            port,
            hosts,
            path,
            annotations,
            ..ExposeSpec::default()
        },
    )
}

fn build() -> impl Strategy<Value = BuildSpec> {
    (maybe("[a-c]"), map("[a-z]{0,3}"), texts()).prop_map(|(target, arguments, secrets)| {
        BuildSpec { target, arguments, secrets, ..BuildSpec::default() }
    })
}

fn test() -> impl Strategy<Value = TestSpec> {
    (prop::option::of(any::<bool>()), texts(), count()).prop_map(
        |(off, command, timeout_seconds)| TestSpec {
            off,
            command,
            timeout_seconds,
            ..TestSpec::default()
        },
    )
}

fn spec() -> impl Strategy<Value = Spec> {
    let hooks = prop::sample::select(vec!["{}", "{\"a\":1}"]).prop_map(str::to_owned);
    (
        (port(), map("[a-z]{0,3}"), map("[a-z]{1,3}"), count(), resources(), maybe("/[a-c]")),
        (texts(), processes(), expose(), map("[a-z]{0,3}"), texts()),
        (build(), test(), map(hooks)),
    )
        .prop_map(
            |(
                (port, env, secrets, replicas, resources, health),
                (command, processes, expose, labels, manifests),
                (build, test, hooks),
            )| Spec {
                port,
                env,
                secrets,
                replicas,
                resources,
                health,
                command,
                processes,
                expose,
                labels,
                manifests,
                build,
                test,
                hooks,
                ..Spec::default()
            },
        )
}

/// Returns the other place of a key of `web`: at the top, or in `processes.web`.
fn other_place(path: &str) -> String {
    const WEB: &str = "processes.web.";
    path.strip_prefix(WEB).map_or_else(|| format!("{WEB}{path}"), str::to_owned)
}

proptest! {
    #[test]
    fn a_spec_over_itself_is_itself(spec in spec()) {
        prop_assert_eq!(spec.clone().merged_over(spec.clone()), spec);
    }

    #[test]
    fn nothing_changes_nothing(spec in spec()) {
        prop_assert_eq!(spec.clone().merged_over(Spec::default()), spec.clone());
        prop_assert_eq!(Spec::default().merged_over(spec.clone()), spec);
    }

    #[test]
    fn what_nothing_overrides_is_kept(above in spec(), below in spec()) {
        let both = above.clone().merged_over(below.clone()).flatten();
        let above = above.flatten();
        for (path, value) in below.flatten() {
            if !above.contains_key(&path) && !above.contains_key(&other_place(&path)) {
                prop_assert_eq!(both.get(&path), Some(&value), "{}", path);
            }
        }
    }

    #[test]
    fn it_does_not_matter_which_two_are_merged_first(
        job in spec(),
        file in spec(),
        found in spec(),
    ) {
        let left = job.clone().merged_over(file.clone()).merged_over(found.clone());
        prop_assert_eq!(left, job.merged_over(file.merged_over(found)));
    }

    #[test]
    fn the_first_word_stands_and_no_word_is_new(above in spec(), below in spec()) {
        let both = above.clone().merged_over(below.clone()).flatten();
        let (above, below) = (above.flatten(), below.flatten());
        for (path, value) in &above {
            prop_assert_eq!(both.get(path), Some(value), "{}", path);
        }
        for (path, value) in &both {
            let first = above.get(path).or_else(|| below.get(path));
            prop_assert_eq!(first, Some(value), "{}", path);
        }
    }
}
