//! Paths that a module names, in code and in the arguments of macros.

use crate::module::{ModulePath, Modules, leaves};
use proc_macro2::{TokenStream, TokenTree};
use std::{collections::BTreeSet, path::PathBuf};
use syn::{ImplItem, Item, ItemMod, ItemUse, Macro, Visibility, visit::Visit};

/// Number of re-exports of re-exports that are followed. More is a circle of `pub use`.
const DEEPEST: usize = 8;

/// Returns the paths that a module's items name, as written. Those of `pub use` are left out: a re-export is no
/// use.
#[must_use]
pub fn named(items: &[Item]) -> BTreeSet<Vec<String>> {
    let mut paths = Paths::default();
    for item in items {
        paths.visit_item(item);
    }
    paths.0
}

#[derive(Default)]
struct Paths(BTreeSet<Vec<String>>);

impl<'a> Visit<'a> for Paths {
    fn visit_item_use(&mut self, item: &'a ItemUse) {
        if matches!(item.vis, Visibility::Inherited) {
            self.0.extend(leaves(&item.tree).into_iter().map(|(_, path)| path));
        }
    }

    // `pub(crate)` names no item.
    fn visit_visibility(&mut self, _: &'a Visibility) {}

    // A module of its own.
    fn visit_item_mod(&mut self, _: &'a ItemMod) {}

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        let is_test = match item {
            ImplItem::Fn(item) => crate::module::is_for_tests(&item.attrs),
            ImplItem::Const(item) => crate::module::is_for_tests(&item.attrs),
            _ => false,
        };
        if !is_test {
            syn::visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // One segment alone is a local name or an imported one, never a module. A type that is imported by
        // `pub use` may be one that the module uses itself.
        if names.len() > 1 || names[0].starts_with(char::is_uppercase) {
            self.0.insert(names);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        self.tokens(call.tokens.clone());
        syn::visit::visit_macro(self, call);
    }
}

impl Paths {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.tokens(group.stream());
                }
                _ => self.end(&mut path),
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.0.insert(std::mem::take(path));
        }
        path.clear();
    }
}

/// Returns the file that defines what `path` names in `module`. `None` means an item of another crate, or a local
/// item.
#[must_use]
pub fn defined(modules: &Modules, module: &ModulePath, path: &[String]) -> Option<PathBuf> {
    let found = walk(modules, &absolute(modules, module, path, 0)?, 0)?;
    Some(modules.get(&found)?.file.clone())
}

/// Returns the path from the crate's root. `depth` is the number of imports that were followed.
fn absolute(
    modules: &Modules,
    module: &ModulePath,
    path: &[String],
    depth: usize,
) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut base = match &**first {
        "crate" => Vec::new(),
        "self" => module.clone(),
        "super" => module.split_last()?.1.to_vec(),
        name => {
            let mut child = module.clone();
            child.push(name.to_owned());
            if modules.contains_key(&child) {
                child
            } else {
                // `use crate::x;` and then `x::Y`.
                let imported = modules.get(module)?.imports.get(name)?;
                if depth == DEEPEST || imported.first().is_some_and(|first| first == name) {
                    return None;
                }
                absolute(modules, module, imported, depth + 1)?
            }
        }
    };
    for name in rest {
        match &**name {
            "super" => {
                base.pop()?;
            }
            "self" => {}
            name => base.push(name.to_owned()),
        }
    }
    Some(base)
}

/// Returns the module that defines the item at an absolute path.
fn walk(modules: &Modules, path: &[String], depth: usize) -> Option<ModulePath> {
    let known = (0..=path.len()).rev().find(|end| modules.contains_key(&path[..*end]))?;
    let (at, rest) = (path[..known].to_vec(), &path[known..]);
    let Some(name) = rest.first().filter(|_| depth < DEEPEST) else { return Some(at) };
    let module = &modules[&at];
    if let Some(exported) = module.exports.get(name)
        && let Some(mut next) = absolute(modules, &at, exported, 0)
    {
        next.extend(rest[1..].iter().cloned());
        return walk(modules, &next, depth + 1);
    }
    // The item may be one of a module whose items are all re-exported.
    for glob in &module.globs {
        let Some(inner) = absolute(modules, &at, glob, 0) else { continue };
        if modules.get(&inner).is_some_and(|inner| defines(&inner.items, name)) {
            return Some(inner);
        }
    }
    Some(at)
}

/// Returns whether one of the items has this name.
fn defines(items: &[Item], name: &str) -> bool {
    items.iter().any(|item| match item {
        Item::Const(item) => item.ident == name,
        Item::Enum(item) => item.ident == name,
        Item::Fn(item) => item.sig.ident == name,
        Item::Static(item) => item.ident == name,
        Item::Struct(item) => item.ident == name,
        Item::Trait(item) => item.ident == name,
        Item::Type(item) => item.ident == name,
        _ => false,
    })
}
