//! The bytes of the native layout; no I/O.
