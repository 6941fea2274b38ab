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
        // One segment alone is a local name or an imported one, never a module.
        if path.segments.len() > 1 {
            self.0.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
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
    let found = walk(modules, &absolute(modules, module, path)?, 0)?;
    Some(modules.get(&found)?.file.clone())
}

fn absolute(modules: &Modules, module: &ModulePath, path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut base = match &**first {
        "crate" => Vec::new(),
        "self" => module.clone(),
        "super" => module.split_last()?.1.to_vec(),
        name => {
            let mut child = module.clone();
            child.push(name.to_owned());
            modules.contains_key(&child).then_some(child)?
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
    let exported = rest.first().and_then(|name| modules[&at].exports.get(name));
    if let Some(exported) = exported
        && depth < DEEPEST
        && let Some(mut next) = absolute(modules, &at, exported)
    {
        next.extend(rest[1..].iter().cloned());
        return walk(modules, &next, depth + 1);
    }
    Some(at)
}
