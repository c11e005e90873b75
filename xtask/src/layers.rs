//! `cargo xtask layers`: imports in the library point one way.
//!
//! Each module has a row and imports from lower rows only, of those only what the table
//! below allows. Test code may import what it likes, and so may `lib.rs`.

use crate::imports::{self, Import};
use crate::process;
use crate::rust_source;
use crate::tree;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Row 0: words that everyone may use, and that may use one another.
const VOCABULARY: &[&str] = &[
    "error", "oid", "refs", "key", "clock", "ids", "near", "progress", "secret",
];

/// The other modules: name, row, and what each may import besides the vocabulary.
const LAYERS: &[(&str, u8, &[&str])] = &[
    ("format", 1, &[]),
    ("store", 2, &[]),
    ("local", 2, &[]),
    ("layout", 3, &["store", "local"]),
    ("transaction", 3, &["format", "store"]),
    ("transfer", 4, &["format", "store", "local", "transaction"]),
    ("objects", 4, &["format", "store"]),
    ("large_files", 4, &["store"]),
    ("upload_pack", 5, &["objects", "transaction"]),
    ("foreign", 5, &["layout", "store", "local"]),
    (
        "maintenance",
        5,
        &[
            "format",
            "store",
            "local",
            "transaction",
            "transfer",
            "large_files",
        ],
    ),
    ("remote", 6, &[EVERYTHING]),
];

/// In the table: whatever lies in lower rows.
const EVERYTHING: &str = "*";

/// Submodules that may import more than the module that they are part of.
const MORE: &[(&[&str], &[&str])] = &[
    (&["foreign", "migrate"], &["format", "transaction"]),
    (&["large_files", "locks"], &["format"]),
    (&["large_files", "sharers"], &["format"]),
    (&["large_files", "condemned"], &["format"]),
    (&["large_files", "swapped"], &["transaction"]),
];

/// Modules of which no part knows another part, apart from those named here.
const LEAVES: &[(&str, &[&str])] = &[("foreign", &[])];

/// Crates that one folder only may name.
const CONFINED: &[(&str, &[&str])] = &[("object_store", &["store", "adapter"])];

const SOURCES: &str = "lib/src";

/// Checks every file of the library.
pub fn run() -> Result<(), String> {
    let root = process::root();
    let files = tree::rust_files(&root, SOURCES)?;
    let mut library = Library::default();
    for path in &files {
        let module = module(path);
        if module.is_empty() {
            library.learn_root(&tree::read(&root, path)?);
        }
        library.modules.insert(module);
    }
    let mut complaints = Vec::new();
    for path in files.iter().filter(|path| !tree::is_test(path)) {
        let source = tree::read(&root, path)?;
        for (line, rule) in library.check(&module(path), &source) {
            complaints.push(format!("{}:{line}: {rule}", path.display()));
        }
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() {
        eprintln!(
            "imports of {} files in {SOURCES} point one way",
            files.len()
        );
        return Ok(());
    }
    Err(format!(
        "{} imports break the rules of xtask/src/layers.rs",
        complaints.len()
    ))
}

/// The module that a file is: `lib/src/store/put.rs` is `store`, `put`.
fn module(path: &Path) -> Vec<String> {
    let path = path
        .strip_prefix(SOURCES)
        .unwrap_or(path)
        .with_extension("");
    let mut module: Vec<String> = path
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// What must be known of all files to judge one.
#[derive(Debug, Default)]
struct Library {
    modules: BTreeSet<Vec<String>>,
    /// Names that `lib.rs` gives to things in modules, and those modules.
    exported: BTreeMap<String, String>,
}

impl Library {
    fn learn_root(&mut self, source: &str) {
        let rest = rust_source::production(source);
        for import in imports::find(&rest.tokens, &[]) {
            if let (Some(name), Some(module)) = (import.name, import.path.into_iter().next()) {
                self.exported.insert(name, module);
            }
        }
    }

    /// The lines of a file that break a rule, and the rule.
    fn check(&self, module: &[String], source: &str) -> Vec<(usize, String)> {
        let Some(top) = module.first() else {
            return Vec::new();
        };
        if row(top).is_none() {
            let rule = format!("module `{top}` is not in the table of xtask/src/layers.rs");
            return vec![(1, rule)];
        }
        let rest = rust_source::production(source);
        imports::find(&rest.tokens, module)
            .iter()
            .filter_map(|import| {
                let verdict = if import.is_local {
                    self.judge(top, module, import)
                } else {
                    judge_crate(module, import)
                };
                verdict.err().map(|rule| (import.line, rule))
            })
            .collect()
    }

    fn judge(&self, top: &str, module: &[String], import: &Import) -> Result<(), String> {
        let named = match import.path.first() {
            Some(first) if first != "*" => first,
            _ => return Err("name a module instead of the whole crate".to_owned()),
        };
        let target = match self.exported.get(named) {
            Some(module) if row(named).is_none() => module,
            _ => named,
        };
        if target == top {
            return self.judge_leaf(top, module, import);
        }
        let (Some(own), Some(other)) = (row(top), row(target)) else {
            return Err(format!(
                "module `{target}` is not in the table of xtask/src/layers.rs"
            ));
        };
        if other >= own && own > 0 {
            return Err(format!(
                "`{top}` (row {own}) may not import `{target}` (row {other}): \
                 a module imports from lower rows only"
            ));
        }
        let allowed = allowed(module);
        if VOCABULARY.contains(&target.as_str())
            || allowed.contains(&EVERYTHING)
            || allowed.contains(&target.as_str())
        {
            return Ok(());
        }
        let list = if allowed.is_empty() {
            String::new()
        } else {
            format!(" and {}", allowed.join(", "))
        };
        Err(format!(
            "`{top}` may not import `{target}`: it may import the vocabulary{list} only"
        ))
    }

    fn judge_leaf(&self, top: &str, module: &[String], import: &Import) -> Result<(), String> {
        let shared = LEAVES.iter().find(|(name, _)| *name == top);
        let (Some((_, shared)), Some(own), Some(other)) =
            (shared, module.get(1), import.path.get(1))
        else {
            return Ok(());
        };
        let is_module = self.modules.contains(&import.path[..2]);
        if own == other || !is_module || shared.contains(&other.as_str()) {
            return Ok(());
        }
        Err(format!(
            "`{top}::{own}` may not import `{top}::{other}`: the parts of `{top}` are leaves"
        ))
    }
}

fn row(module: &str) -> Option<u8> {
    if VOCABULARY.contains(&module) {
        return Some(0);
    }
    let found = LAYERS.iter().find(|(name, ..)| *name == module);
    found.map(|(_, row, _)| *row)
}

/// What a module may import besides the vocabulary.
fn allowed(module: &[String]) -> Vec<&'static str> {
    let layer = LAYERS
        .iter()
        .find(|(name, ..)| module.first().is_some_and(|top| top == name));
    let mut allowed = layer.map_or_else(Vec::new, |(_, _, may)| may.to_vec());
    for (part, more) in MORE {
        if is_below(module, part) {
            allowed.extend_from_slice(more);
        }
    }
    allowed
}

fn is_below(module: &[String], folder: &[&str]) -> bool {
    module.len() >= folder.len() && module.iter().zip(folder).all(|(a, b)| a == b)
}

fn judge_crate(module: &[String], import: &Import) -> Result<(), String> {
    let first = import.path.first().map_or("", String::as_str);
    match CONFINED.iter().find(|(name, _)| *name == first) {
        Some((name, folder)) if !is_below(module, folder) => Err(format!(
            "only {SOURCES}/{}/ may name `{name}`",
            folder.join("/")
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
