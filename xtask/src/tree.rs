//! The Rust files of the project.

use std::fs;
use std::path::{Path, PathBuf};

/// Every `.rs` file below a folder, sorted, as paths from `root`; what was built or is
/// hidden is left out.
pub fn rust_files(root: &Path, below: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut waiting = vec![root.join(below)];
    while let Some(folder) = waiting.pop() {
        let fail = |error| format!("cannot list {}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if entry.file_type().map_err(fail)?.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    waiting.push(path);
                }
            } else if name.ends_with(".rs") {
                found.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a whole file is test code: `tests.rs`, or anything below `tests` or `benches`.
pub fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.iter().any(|part| part == "tests" || part == "benches")
}

/// Reads a file of the project.
pub fn read(root: &Path, path: &Path) -> Result<String, String> {
    fs::read_to_string(root.join(path))
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
