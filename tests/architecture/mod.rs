//! The layering that `docs/architecture.md` draws, and the sizes of files and folders, held against `src`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

const MOST_LINES: usize = 400;
const MOST_LINES_OF_MEDIAN: usize = 180;
const MOST_FILES: usize = 15;

/// A file of the library, and the modules that it names by `crate::…` outside of its tests.
struct Module {
    file: PathBuf,
    names: BTreeSet<String>,
}

/// Collects `crate::…` paths from `use` items and from code.
#[derive(Default)]
struct Paths(Vec<String>);

impl Paths {
    fn tree(&mut self, prefix: &str, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.tree(&format!("{prefix}{}::", path.ident), &path.tree),
            syn::UseTree::Name(name) => self.0.push(format!("{prefix}{}", name.ident)),
            syn::UseTree::Rename(name) => self.0.push(format!("{prefix}{}", name.ident)),
            syn::UseTree::Glob(_) => self.0.push(prefix.trim_end_matches("::").to_owned()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(prefix, tree)),
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree("", &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.0.push(segments.join("::"));
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if item.ident != "tests" {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// All modules of the library by path, such as `check::limits::rate`. Files of unit tests are left out.
fn modules() -> BTreeMap<String, Module> {
    let source = root().join("src");
    let mut modules = BTreeMap::new();
    for file in files(&source) {
        let relative = file.strip_prefix(&source).expect("it is below src").with_extension("");
        let mut names: Vec<&str> = relative.iter().map(|part| part.to_str().expect("names are ASCII")).collect();
        if names.contains(&"tests") || names == ["lib"] {
            continue;
        }
        if names.last() == Some(&"mod") {
            names.pop();
        }
        let text = fs::read_to_string(&file).expect("the file can be read");
        let tree = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut paths = Paths::default();
        paths.visit_file(&tree);
        let below = paths.0.iter().filter_map(|path| path.strip_prefix("crate::"));
        modules.insert(names.join("::"), Module { file: file.clone(), names: below.map(ToOwned::to_owned).collect() });
    }
    modules
}

/// The folders of `src` in the order of the first table of `docs/architecture.md`.
fn layers() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("the page can be read");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `src/"));
    rows.filter_map(|row| row.split('`').next()).map(ToOwned::to_owned).collect()
}

#[test]
fn a_folder_imports_only_from_those_before_it() {
    let layers = layers();
    let rank = |module: &str| layers.iter().position(|layer| layer == module.split("::").next().unwrap_or_default());
    let mut wrong = Vec::new();
    for (name, module) in &modules() {
        let Some(own) = rank(name) else { continue };
        for used in &module.names {
            // The documents' public functions take a policy, and a proof's witness is a document.
            let is_known = name.starts_with("document") && used == "Policy";
            if !is_known && rank(used).is_none_or(|other| other > own) {
                wrong.push(format!("{} imports crate::{used}", module.file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let folders: BTreeSet<String> =
        modules().keys().filter_map(|name| Some(name.split_once("::")?.0.to_owned())).collect();
    let drawn: BTreeSet<String> = layers.into_iter().collect();
    assert_eq!(folders, drawn, "docs/architecture.md lists the folders of src");
}

#[test]
fn files_are_read_in_one_sitting_and_folders_at_a_glance() {
    let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut sizes = Vec::new();
    for file in files(&root().join("src")) {
        let lines = fs::read_to_string(&file).expect("the file can be read").lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", file.display());
        sizes.push(lines);
        *folders.entry(file.parent().expect("it is below src").to_owned()).or_default() += 1;
    }
    for (folder, count) in folders {
        assert!(count <= MOST_FILES, "{} has {count} files", folder.display());
    }
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(median <= MOST_LINES_OF_MEDIAN, "the median file has {median} lines");
}
