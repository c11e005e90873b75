//! The program as people use it: the real binary, real git, a bucket.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test, a panic is how a failure is told"
)]
#![expect(
    clippy::print_stderr,
    reason = "a net says how much it tried, with --nocapture"
)]

mod it {
    mod odd_answers;
    mod proxied;
    mod world;

    mod annex;
    mod bad_folder;
    mod bad_input;
    mod bad_packs;
    mod care;
    mod clone;
    mod commands;
    mod concurrent;
    mod credentials;
    mod faults;
    mod fetch;
    mod forward_proxy;
    mod incomplete;
    mod kill;
    mod lfs;
    mod lfs_care;
    mod lfs_locks;
    mod ls_remote;
    mod maintenance;
    mod many;
    mod options;
    mod push;
    mod race;
    mod requests;
    mod resume;
    mod session;
    mod shapes;
    mod verify;
}
