//! Module tree of one crate.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use syn::{Attribute, File, Item, Meta, UseTree, Visibility};

/// Names of modules from the crate's root, which is empty.
pub type ModulePath = Vec<String>;

/// One module: a file, or a block within one.
#[derive(Debug)]
pub struct Module {
    /// The source file.
    pub file: PathBuf,
    /// Items, without those for tests.
    pub items: Vec<Item>,
    /// Names that the module re-exports by `pub use`, each with the path as written.
    pub exports: BTreeMap<String, Vec<String>>,
    /// Names that any `use` of the module binds, each with the path as written.
    pub imports: BTreeMap<String, Vec<String>>,
    /// Modules whose names are all re-exported: `pub use inner::*`.
    pub globs: Vec<Vec<String>>,
}

/// All modules of a crate by path.
pub type Modules = BTreeMap<ModulePath, Module>;

/// Reads a crate from its root file.
///
/// # Errors
/// Names the file that is missing or does not parse.
pub fn read(root: &Path) -> Result<Modules, String> {
    let mut modules = Modules::new();
    let folder = root.parent().unwrap_or(Path::new("")).to_owned();
    add(&mut modules, Vec::new(), root.to_owned(), parse(root)?.items, &folder)?;
    Ok(modules)
}

fn parse(file: &Path) -> Result<File, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    syn::parse_file(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Adds a module and its children. `folder` has the files of the children.
fn add(
    modules: &mut Modules,
    path: ModulePath,
    file: PathBuf,
    items: Vec<Item>,
    folder: &Path,
) -> Result<(), String> {
    let items: Vec<Item> =
        items.into_iter().filter(|item| !is_for_tests(attributes(item))).collect();
    for item in &items {
        let Item::Mod(child) = item else { continue };
        let name = child.ident.to_string();
        let mut below = path.clone();
        below.push(name.clone());
        let under = folder.join(&name);
        match &child.content {
            Some((_, items)) => add(modules, below, file.clone(), items.clone(), &under)?,
            None => {
                if child.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
                    let file = file.display();
                    return Err(format!("{file}: `mod {name}` has a path that is not followed"));
                }
                let flat = folder.join(format!("{name}.rs"));
                let source = if flat.is_file() { flat } else { under.join("mod.rs") };
                // A file that a build script writes is none of the repository's.
                if source.is_file() {
                    let items = parse(&source)?.items;
                    add(modules, below, source, items, &under)?;
                }
            }
        }
    }
    let mut module = Module {
        file,
        items,
        exports: BTreeMap::new(),
        imports: BTreeMap::new(),
        globs: Vec::new(),
    };
    module.bind();
    modules.insert(path, module);
    Ok(())
}

impl Module {
    /// Reads the names that the module's `use` items bind.
    fn bind(&mut self) {
        for item in &self.items {
            let Item::Use(item) = item else { continue };
            let is_public = !matches!(item.vis, Visibility::Inherited);
            for (name, path) in leaves(&item.tree) {
                if name == "*" {
                    self.globs.extend(is_public.then_some(path));
                    continue;
                }
                if is_public {
                    self.exports.insert(name.clone(), path.clone());
                }
                self.imports.insert(name, path);
            }
        }
    }
}

/// Returns the leaves of a `use`: the name that each binds, and its whole path. The name of a glob
/// is `*`.
#[must_use]
pub fn leaves(tree: &UseTree) -> Vec<(String, Vec<String>)> {
    fn walk(tree: &UseTree, before: &[String], found: &mut Vec<(String, Vec<String>)>) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => walk(&path.tree, &with(path.ident.to_string()), found),
            UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned().unwrap_or_default();
                found.push((name, before.to_vec()));
            }
            UseTree::Name(name) => {
                found.push((name.ident.to_string(), with(name.ident.to_string())));
            }
            UseTree::Rename(name) if name.ident == "self" => {
                found.push((name.rename.to_string(), before.to_vec()));
            }
            UseTree::Rename(name) => {
                found.push((name.rename.to_string(), with(name.ident.to_string())));
            }
            UseTree::Glob(_) => found.push(("*".into(), before.to_vec())),
            UseTree::Group(group) => {
                for tree in &group.items {
                    walk(tree, before, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(tree, &[], &mut found);
    found
}

/// Returns whether `#[test]` or `#[cfg(test)]` stands above an item, or a `cfg` of which `test` is one condition. What
/// is there without tests is not: `#[cfg(not(test))]`, `#[cfg(feature = "test")]`.
#[must_use]
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || match &attribute.meta {
                Meta::List(list) if list.path.is_ident("cfg") => {
                    let condition = list.tokens.to_string().replace(' ', "");
                    condition == "test" || condition.starts_with("all(test,")
                }
                _ => false,
            }
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
