//! Components of hand-written core modules, which can do what no compiler would emit.

use std::borrow::Cow;
use wasm_encoder::{CustomSection, Encode, Section};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Returns a core module with the detector's imports and exports.
///
/// `top` is placed at the module's top. `detect` is the body of the exported function, with the locals `$tree`,
/// `$matched` and `$count`. The body returns a pointer to the answer: 64 KiB of zeros at 0 are `ok(none)`.
pub(crate) fn detector(top: &str, detect: &str) -> String {
    guest(top, "(memory (export \"memory\") 4)", REALLOC, detect)
}

/// Returns a core module as [`detector`] does, with another memory and allocator.
pub(crate) fn guest(top: &str, memory: &str, realloc: &str, detect: &str) -> String {
    format!(
        "(module
          (import \"windlass:plugin/log@0.1.0\" \"emit\" (func $log (param i32 i32 i32)))
          (import \"windlass:plugin/config@0.1.0\" \"get\" (func $config (param i32)))
          (import \"windlass:plugin/clock@0.1.0\" \"now\" (func $now (result i64)))
          (import \"windlass:plugin/workspace@0.1.0\" \"[method]tree.read-text\"
            (func $read (param i32 i32 i32 i32 i32)))
          (import \"windlass:plugin/workspace@0.1.0\" \"[method]tree.glob\"
            (func $glob (param i32 i32 i32 i32 i32)))
          (import \"windlass:plugin/workspace@0.1.0\" \"[resource-drop]tree\"
            (func $drop (param i32)))
          {memory}
          {top}
          {realloc}
          (func $detect (export \"windlass:plugin/detector@0.1.0#detect\")
            (param $tree i32) (param $matched i32) (param $count i32) (result i32)
            {detect}))"
    )
}

/// Allocator that never frees, since a call is short.
pub(crate) const REALLOC: &str = "
    (global $free (mut i32) (i32.const 131072))
    (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at
        (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at))";

/// Body that drops the tree, as the component model demands, and answers `ok(none)`.
pub(crate) const NOTHING: &str = "(call $drop (local.get $tree)) (i32.const 0)";

/// Builds a component of the detector's world with a manifest.
pub(crate) fn component(module: &str, manifest: &str) -> Vec<u8> {
    built(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit"), module, manifest)
}

/// Builds a component of the detector's world of track 0.2.0 with a manifest.
pub(crate) fn next_component(module: &str, manifest: &str) -> Vec<u8> {
    built(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/0.2.0"), module, manifest)
}

fn built(wit: &str, module: &str, manifest: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some("detector-plugin")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let component = ComponentEncoder::default().validate(true).module(&module).unwrap().encode();
    with_section(component.unwrap(), manifest)
}

/// Builds a detector that imports secrets too, which are of another world.
pub(crate) fn reaching(manifest: &str) -> Vec<u8> {
    let text = detector(
        "(import \"windlass:plugin/secrets@0.1.0\" \"open\" (func $open (param i32 i32 i32)))",
        "(call $open (i32.const 0) (i32.const 0) (i32.const 2048)) (i32.const 0)",
    );
    // Imports come first in a module.
    let import = text.lines().find(|line| line.contains("secrets@")).unwrap().to_owned();
    let text = text.replace(&import, "").replacen("(module", &format!("(module {import}"), 1);
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    resolve.push_dir(wit).unwrap();
    let more = "package test:reaching; world reaching {
        include windlass:plugin/detector-plugin@0.1.0;
        import windlass:plugin/secrets@0.1.0; }";
    let package = resolve.push_str("reaching.wit", more).unwrap();
    let world = resolve.select_world(&[package], Some("reaching")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let component = ComponentEncoder::default().validate(true).module(&module).unwrap().encode();
    with_section(component.unwrap(), manifest)
}

/// Appends a section that holds a manifest.
pub(crate) fn with_section(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    let data = Cow::Borrowed(manifest.as_bytes());
    let section = CustomSection { name: "windlass:manifest".into(), data };
    component.push(section.id());
    section.encode(&mut component);
    component
}

/// Returns the manifest of a detector that is asked about any tree.
pub(crate) fn manifest(name: &str) -> String {
    format!("name = \"{name}\"\nversion = \"0.1.0\"\nworld = \"detector\"\nmarkers = [\"**\"]\n")
}
