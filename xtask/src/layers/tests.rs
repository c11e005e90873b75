//! What the table allows and what it refuses.

use super::{EVERYTHING, LAYERS, LEAVES, Library, MORE, VOCABULARY, module, row};
use std::path::Path;

/// The complaints about a file below `lib/src`, each as `line: rule`.
fn complaints(file: &str, source: &str) -> Vec<String> {
    let mut library = Library::default();
    library.learn_root("pub mod error; pub use error::{Error, Result}; pub use remote::Remote;");
    for file in [
        "foreign/mod.rs",
        "foreign/dumb.rs",
        "foreign/packchain/keys.rs",
    ] {
        library
            .modules
            .insert(module(&Path::new("lib/src").join(file)));
    }
    library
        .modules
        .insert(vec!["foreign".into(), "packchain".into()]);
    let module = module(&Path::new("lib/src").join(file));
    let found = library.check(&module, source);
    found
        .iter()
        .map(|(line, rule)| format!("{line}: {rule}"))
        .collect()
}

fn assert_clean(file: &str, source: &str) {
    assert_eq!(complaints(file, source), Vec::<String>::new());
}

#[test]
fn the_table_itself_points_down() {
    for (name, own, may) in LAYERS {
        for other in *may {
            let is_lower = row(other).is_some_and(|row| row < *own);
            assert!(is_lower || *other == EVERYTHING, "{name} and {other}");
        }
        assert!(!VOCABULARY.contains(name), "{name} has two rows");
    }
    for (part, more) in MORE {
        assert!(
            more.iter().all(|other| row(other) < row(part[0])),
            "{part:?}"
        );
    }
    assert!(LEAVES.iter().all(|(name, _)| row(name).is_some()));
}

#[test]
fn lower_rows_that_are_allowed_are_clean() {
    assert_clean(
        "format/manifest/codec.rs",
        "use crate::error::Result; use super::Manifest;",
    );
    assert_clean("oid.rs", "use crate::error::Error;");
    assert_clean(
        "transaction/commit.rs",
        "use crate::{format::Manifest, store::Store};",
    );
    assert_clean(
        "remote/native.rs",
        "use crate::{transfer::push, foreign, maintenance};",
    );
    assert_clean("foreign/migrate.rs", "use crate::transaction::commit;");
}

#[test]
fn higher_and_equal_rows_are_refused_with_the_line() {
    assert_eq!(
        complaints(
            "store/mod.rs",
            "\nuse crate::local::git;\nuse crate::remote::Remote;"
        ),
        [
            "2: `store` (row 2) may not import `local` (row 2): a module imports from lower rows only",
            "3: `store` (row 2) may not import `remote` (row 6): a module imports from lower rows only",
        ]
    );
}

#[test]
fn lower_rows_that_are_not_allowed_are_refused() {
    assert_eq!(
        complaints("store/put.rs", "fn f() { crate::format::keys::pack(); }"),
        ["1: `store` may not import `format`: it may import the vocabulary only"]
    );
    assert_eq!(
        complaints("transaction/commit.rs", "use super::super::local::command;"),
        [
            "1: `transaction` may not import `local`: it may import the vocabulary and format, store only"
        ]
    );
    assert_eq!(
        complaints("foreign/dumb.rs", "use crate::format::keys;").len(),
        1
    );
}

#[test]
fn the_vocabulary_imports_nothing_above_it() {
    assert_eq!(
        complaints("refs/name.rs", "use crate::format::keys;").len(),
        1
    );
}

#[test]
fn names_that_the_root_exports_count_as_their_module() {
    assert_clean("store/mod.rs", "use crate::{Error, Result};");
    assert_eq!(complaints("store/mod.rs", "use crate::Remote;").len(), 1);
}

#[test]
fn the_whole_crate_and_unknown_modules_are_refused() {
    assert_eq!(
        complaints("store/mod.rs", "use crate::*;"),
        ["1: name a module instead of the whole crate"]
    );
    assert_eq!(
        complaints("store/mod.rs", "use crate::utils::x;"),
        ["1: module `utils` is not in the table of xtask/src/layers.rs"]
    );
    assert_eq!(
        complaints("utils.rs", ""),
        ["1: module `utils` is not in the table of xtask/src/layers.rs"]
    );
}

#[test]
fn test_code_and_comments_are_exempt() {
    assert_clean(
        "store/mod.rs",
        "#[cfg(test)] mod tests { use crate::remote::Remote; }",
    );
    assert_clean(
        "store/mod.rs",
        "/// See [`crate::remote::Remote`].\nstruct S;",
    );
}

#[test]
fn foreign_layouts_do_not_know_one_another() {
    assert_eq!(
        complaints("foreign/dumb.rs", "use super::packchain::keys;"),
        [
            "1: `foreign::dumb` may not import `foreign::packchain`: the parts of `foreign` are leaves"
        ]
    );
    assert_clean("foreign/dumb.rs", "use super::Shape;");
    assert_clean(
        "foreign/packchain/keys.rs",
        "use crate::foreign::packchain::chain;",
    );
    assert_clean(
        "foreign/mod.rs",
        "use self::dumb::Dumb; use crate::foreign::packchain;",
    );
}

#[test]
fn the_client_crate_stays_in_its_folder() {
    assert_eq!(
        complaints(
            "store/url.rs",
            "use ::object_store::path::Path; fn f() { object_store::parse(); }"
        ),
        [
            "1: only lib/src/store/adapter/ may name `object_store`",
            "1: only lib/src/store/adapter/ may name `object_store`",
        ]
    );
    assert_clean("store/adapter/s3.rs", "use object_store::aws::AmazonS3;");
    assert_clean(
        "store/mod.rs",
        "use crate::store::adapter::object_store::Adapter;",
    );
}
