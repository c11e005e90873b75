//! What people see, all of it on standard error.

pub mod bytes;
pub mod count;
pub mod hints;
pub mod progress;
pub mod table;

use crate::stdio;
use pail::Error;

/// Shows an error and what to try.
pub fn error(message: &str, hint: Option<&str>) {
    stdio::say(&format!("error: {message}"));
    if let Some(hint) = hint {
        stdio::say(&format!("hint: {hint}"));
    }
}

/// Shows an error of the library.
pub fn show(error: &Error) {
    self::error(
        &error.to_string(),
        Some(hints::hint(error)).filter(|hint| !hint.is_empty()),
    );
}

/// Shows something that the user should know.
pub fn warn(message: &str) {
    stdio::say(&format!("warning: {message}"));
}
