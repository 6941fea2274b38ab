//! Public items that a reader needs have a doc. Fields and variants have one where it says more than
//! their name.

#![allow(clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

use syn::{Attribute, ImplItem, Item, Meta, TraitItem, Visibility};
use windlass_house::{
    crates::{roots, workspace},
    module::read,
};

/// Crates whose public items are read by those who build on them.
const CRATES: [&str; 5] =
    ["daemon/model", "daemon/rollout", "daemon/engine", "daemon/service", "plugin-sdk/src"];

fn has_doc(attributes: &[Attribute]) -> bool {
    // `#[doc(hidden)]` is none.
    let is_doc = |meta: &Meta| matches!(meta, Meta::NameValue(doc) if doc.path.is_ident("doc"));
    attributes.iter().any(|attribute| is_doc(&attribute.meta))
}

/// Returns the name of a public item without a doc.
fn bare(item: &Item) -> Vec<String> {
    let (vis, attributes, name) = match item {
        Item::Const(it) => (&it.vis, &it.attrs, it.ident.to_string()),
        Item::Enum(it) => (&it.vis, &it.attrs, it.ident.to_string()),
        Item::Fn(it) => (&it.vis, &it.attrs, it.sig.ident.to_string()),
        Item::Static(it) => (&it.vis, &it.attrs, it.ident.to_string()),
        Item::Struct(it) => (&it.vis, &it.attrs, it.ident.to_string()),
        Item::Type(it) => (&it.vis, &it.attrs, it.ident.to_string()),
        Item::Trait(it) => {
            let methods = it.items.iter().filter_map(|one| match one {
                TraitItem::Fn(one) if !has_doc(&one.attrs) => Some(one.sig.ident.to_string()),
                _ => None,
            });
            let methods: Vec<_> = methods.map(|name| format!("{}::{name}", it.ident)).collect();
            if !methods.is_empty() && matches!(it.vis, Visibility::Public(_)) {
                return methods;
            }
            (&it.vis, &it.attrs, it.ident.to_string())
        }
        Item::Impl(it) if it.trait_.is_none() => {
            let methods = it.items.iter().filter_map(|one| match one {
                ImplItem::Fn(one)
                    if matches!(one.vis, Visibility::Public(_)) && !has_doc(&one.attrs) =>
                {
                    Some(one.sig.ident.to_string())
                }
                _ => None,
            });
            return methods.collect();
        }
        _ => return Vec::new(),
    };
    let is_bare = matches!(vis, Visibility::Public(_)) && !has_doc(attributes);
    if is_bare { vec![name] } else { Vec::new() }
}

#[test]
fn public_items_have_a_doc() {
    let root = workspace();
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in roots(&root).unwrap() {
        if !CRATES.iter().any(|one| file.starts_with(root.join(one))) {
            continue;
        }
        for module in read(&file).unwrap().values() {
            count += module.items.len();
            let file = module.file.strip_prefix(&root).unwrap_or(&module.file).display();
            let names = module.items.iter().flat_map(bare);
            wrong.extend(names.map(|name| format!("{file}: {name}")));
            let text = std::fs::read_to_string(&module.file).unwrap();
            if !text.starts_with("//!") {
                wrong.push(format!("{file}: the module"));
            }
        }
    }
    assert!(count > 500, "crates are looked for in the wrong place: {count} items");
    wrong.dedup();
    assert!(wrong.is_empty(), "without a doc:\n{}", wrong.join("\n"));
}
