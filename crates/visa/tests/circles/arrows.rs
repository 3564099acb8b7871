//! Reading which files of a crate name what others define.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// From a file to another, with the names that the first takes from it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Arrow {
    /// The file that uses.
    pub from: PathBuf,
    /// The file that defines.
    pub to: PathBuf,
    /// What.
    pub names: BTreeSet<String>,
}

/// Segments of a path.
type Names = Vec<String>;

/// A module: a file's, or one in the middle of a file.
#[derive(Default)]
struct Module {
    file: PathBuf,
    children: BTreeSet<String>,
    /// What is imported: its name here, and its path.
    imports: BTreeMap<String, Names>,
    /// Modules of which everything is imported.
    globs: Vec<Names>,
    /// What is defined here, as far as it is seen.
    items: BTreeSet<String>,
    /// Paths that are written here.
    paths: BTreeSet<Names>,
}

/// A crate's modules, by their paths from its root.
#[derive(Default)]
pub struct Crate {
    modules: BTreeMap<Names, Module>,
    /// Which file defines a macro by example.
    macros: BTreeMap<String, PathBuf>,
}

impl Crate {
    /// Reads the sources of a crate: its library or its program, and what both declare.
    pub fn read(root: &Path, name: &str) -> Crate {
        let mut read = Crate::default();
        for top in ["lib.rs", "main.rs"] {
            let file = Path::new(name).join("src").join(top);
            if root.join(&file).is_file() {
                // A program beside a library is a crate of its own, whose modules are its alone.
                let module =
                    if top == "main.rs" && !read.modules.is_empty() { vec!["main".into()] } else { vec![] };
                read.file(root, &file, module, true);
            }
        }
        read
    }

    fn file(&mut self, root: &Path, file: &Path, module: Names, is_parent: bool) {
        let text = std::fs::read_to_string(root.join(file))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // Where the files of children are.
        let directory = match file.file_stem() {
            Some(stem) if !is_parent => file.with_file_name(stem),
            _ => file.parent().expect("a file is in a directory").to_owned(),
        };
        self.items(root, file, &directory, module, &syntax.items);
    }

    fn items(&mut self, root: &Path, file: &Path, directory: &Path, module: Names, items: &[syn::Item]) {
        let mut reader = Reader { module: Module { file: file.to_owned(), ..Module::default() } };
        let mut children = Vec::new();
        for item in items {
            match item {
                syn::Item::Mod(child) if is_test(&child.attrs) => {}
                syn::Item::Mod(child) => {
                    reader.module.children.insert(child.ident.to_string());
                    children.push(child);
                }
                syn::Item::Macro(macros) if macros.ident.is_some() => {
                    let name = macros.ident.as_ref().expect("it was looked at").to_string();
                    self.macros.insert(name, file.to_owned());
                    reader.visit_item(item);
                }
                other => reader.visit_item(other),
            }
        }
        self.modules.insert(module.clone(), reader.module);
        for child in children {
            let name = child.ident.to_string();
            let below: Names = module.iter().cloned().chain([name.clone()]).collect();
            if let Some((_, items)) = &child.content {
                self.items(root, file, &directory.join(&name), below, items);
                continue;
            }
            let own = directory.join(format!("{name}.rs"));
            if root.join(&own).is_file() {
                self.file(root, &own, below, false);
            } else {
                self.file(root, &directory.join(&name).join("mod.rs"), below, true);
            }
        }
    }

    /// All arrows.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows: BTreeMap<(PathBuf, PathBuf), BTreeSet<String>> = BTreeMap::new();
        for (name, module) in &self.modules {
            let imports = module.imports.iter().filter(|(_, path)| !module.hands_on(path));
            for path in module.paths.iter().chain(imports.map(|(_, path)| path)) {
                if let Some((file, name)) = self.definition(name, path, 0)
                    && file != module.file
                {
                    arrows.entry((module.file.clone(), file)).or_default().insert(name);
                }
            }
        }
        arrows.into_iter().map(|((from, to), names)| Arrow { from, to, names }).collect()
    }

    /// The file that defines what a path names in a module; nothing if it is of another crate, or is itself a module.
    fn definition(&self, module: &Names, path: &[String], depth: u32) -> Option<(PathBuf, String)> {
        // Two modules may hand on each other's names.
        const DEPTH_MAX: u32 = 16;
        if depth > DEPTH_MAX {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let own = &self.modules[module];
        let next = match first.as_str() {
            "crate" | "$crate" if module.first().is_some_and(|name| name == "main") => {
                vec!["main".to_owned()]
            }
            "crate" | "$crate" => vec![],
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            name if own.children.contains(name) => module.iter().cloned().chain([name.to_owned()]).collect(),
            name if rest.is_empty() && self.macros.contains_key(name) && !own.imports.contains_key(name) => {
                return Some((self.macros[name].clone(), name.to_owned()));
            }
            name => {
                if let Some(import) = own.imports.get(name).filter(|import| import.as_slice() != path) {
                    let whole: Names = import.iter().chain(rest).cloned().collect();
                    return self.definition(module, &whole, depth + 1);
                }
                return None;
            }
        };
        self.in_module(&next, rest, depth)
    }

    /// The same of a path that is relative to a module.
    fn in_module(&self, module: &Names, rest: &[String], depth: u32) -> Option<(PathBuf, String)> {
        let own = self.modules.get(module)?;
        let (name, further) = rest.split_first()?;
        if name == "super" || own.children.contains(name) && !own.items.contains(name) {
            return self.definition(module, rest, depth + 1);
        }
        if own.items.contains(name) {
            return Some((own.file.clone(), name.clone()));
        }
        if let Some(import) = own.imports.get(name) {
            let whole: Names = import.iter().chain(further).cloned().collect();
            return self.definition(module, &whole, depth + 1);
        }
        let mut handed_on = own.globs.iter().filter_map(|glob| {
            let whole: Names = glob.iter().chain(rest).cloned().collect();
            self.definition(module, &whole, depth + 1)
        });
        // What no item is seen of was made by a macro.
        handed_on.next().or_else(|| Some((own.file.clone(), name.clone())))
    }
}

impl Module {
    /// Whether an import is of what others are to find here.
    fn hands_on(&self, path: &Names) -> bool {
        self.paths.contains(&handed_on(path))
    }
}

/// How an import that is public is noted among the paths: nothing else begins so.
fn handed_on(path: &Names) -> Names {
    ["pub".to_owned()].into_iter().chain(path.iter().cloned()).collect()
}

/// Reads one module's items.
struct Reader {
    module: Module,
}

impl Reader {
    fn import(&mut self, tree: &syn::UseTree, path: &mut Names, is_public: bool) {
        match tree {
            syn::UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.import(&part.tree, path, is_public);
                path.pop();
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, path, is_public));
            }
            syn::UseTree::Glob(_) => self.module.globs.push(path.clone()),
            syn::UseTree::Name(name) if name.ident == "self" => {
                let last = path.last().cloned().unwrap_or_default();
                self.imported(last, path.clone(), is_public);
            }
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                let whole = path.iter().cloned().chain([name.clone()]).collect();
                self.imported(name, whole, is_public);
            }
            syn::UseTree::Rename(rename) => {
                let whole = path.iter().cloned().chain([rename.ident.to_string()]).collect();
                self.imported(rename.rename.to_string(), whole, is_public);
            }
        }
    }

    fn imported(&mut self, name: String, path: Names, is_public: bool) {
        if is_public {
            self.module.paths.insert(handed_on(&path));
        }
        self.module.imports.insert(name, path);
    }

    /// Paths and macros in tokens that only a macro understands.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Names::new();
        let mut colons = 0;
        let mut before = ' ';
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.path(&mut path);
                    }
                    let prefix = if before == '$' { "$" } else { "" };
                    path.push(format!("{prefix}{name}"));
                    colons = 0;
                    before = ' ';
                }
                TokenTree::Punct(mark) => {
                    before = mark.as_char();
                    if before == ':' {
                        colons += 1;
                    } else {
                        self.path(&mut path);
                        colons = 0;
                    }
                }
                TokenTree::Group(group) => {
                    self.path(&mut path);
                    colons = 0;
                    before = ' ';
                    self.tokens(group.stream());
                }
                TokenTree::Literal(_) => {
                    self.path(&mut path);
                    colons = 0;
                    before = ' ';
                }
            }
        }
        self.path(&mut path);
    }

    fn path(&mut self, path: &mut Names) {
        if !path.is_empty() {
            self.module.paths.insert(std::mem::take(path));
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item::*;
        let (attributes, name) = match item {
            Const(item) => (&item.attrs, Some(&item.ident)),
            Enum(item) => (&item.attrs, Some(&item.ident)),
            Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Macro(item) => (&item.attrs, item.ident.as_ref()),
            Static(item) => (&item.attrs, Some(&item.ident)),
            Struct(item) => (&item.attrs, Some(&item.ident)),
            Trait(item) => (&item.attrs, Some(&item.ident)),
            Type(item) => (&item.attrs, Some(&item.ident)),
            Union(item) => (&item.attrs, Some(&item.ident)),
            Impl(item) => (&item.attrs, None),
            ForeignMod(item) => {
                for foreign in &item.items {
                    match foreign {
                        syn::ForeignItem::Fn(item) => self.module.items.insert(item.sig.ident.to_string()),
                        syn::ForeignItem::Static(item) => self.module.items.insert(item.ident.to_string()),
                        _ => false,
                    };
                }
                (&item.attrs, None)
            }
            Use(item) => {
                if !is_test(&item.attrs) {
                    let is_public = !matches!(item.vis, syn::Visibility::Inherited);
                    self.import(&item.tree, &mut Names::new(), is_public);
                }
                return;
            }
            _ => return syn::visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        self.module.items.extend(name.map(ToString::to_string));
        syn::visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // In the middle of a function.
        self.import(&item.tree, &mut Names::new(), false);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.module.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, macros: &'ast syn::Macro) {
        self.visit_path(&macros.path);
        self.tokens(macros.tokens.clone());
    }
}

/// Whether something is there for tests alone.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is = |name: &str| attribute.path().is_ident(name);
        is("test") || is("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}
