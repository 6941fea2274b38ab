//! The reference of `windlassd.toml` for people, made from its schema.

use super::Config;
use windlass_blessed::markdown;

/// The top of the file.
const HEAD: &str = "# windlassd.toml

<!-- Made from the types in daemon/src/config.rs. After a change there:
     WINDLASS_BLESS=1 cargo test -p windlassd config::reference -->

`windlassd` reads `/etc/windlass/windlassd.toml`, or the file of `--config`. `windlassd check` says what is
wrong with it and which part does not answer. An unknown key is refused with the nearest known one.

A key that is in no list can be set in the environment too, which overrides the file: `WINDLASSD_FORBID_ROOT=true` for `forbid-root`,
`WINDLASSD_LISTEN__TCP=127.0.0.1:7443` for `listen.tcp`. Variables of others do not count: those of the client, such as
`WINDLASS_TOKEN`, and those that Kubernetes sets for a `Service` named `windlass` or `windlassd`.

`windlassd schema` prints the same as a JSON schema, for editors; it is
[windlassd.schema.json](windlassd.schema.json). The guide is [deploy/README.md](../README.md).
";

/// Compares a text with a published file. `WINDLASS_BLESS=1` writes it.
fn compare(name: &str, made: &str) {
    let file = windlass_blessed::reference(name);
    assert!(
        windlass_blessed::holds(&file, made),
        "{} is not of this code: WINDLASS_BLESS=1 writes it",
        file.display()
    );
}

#[test]
fn the_published_reference_is_of_this_code() {
    compare("windlassd.md", &markdown(HEAD, &Config::schema()));
}

#[test]
fn the_published_schema_is_of_this_code() {
    compare("windlassd.schema.json", &format!("{:#}\n", Config::schema()));
}

#[test]
fn each_key_has_a_sentence() {
    let text = markdown(HEAD, &Config::schema());
    let bare: Vec<_> = text.lines().filter(|line| line.ends_with("): ")).collect();
    assert!(bare.is_empty(), "no comment at: {bare:#?}");
}
