//! The tests of the library, in one program.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::large_futures,
    reason = "in a test, a panic is how a failure is told"
)]

mod it {
    mod aside;
    mod aside_nets;
    mod azure;
    mod behind;
    mod commit_interleave;
    mod commit_world;
    mod crash;
    mod doctor;
    mod download;
    mod folder;
    mod folder_processes;
    mod forget_log;
    mod gc;
    mod gc_nets;
    mod golden;
    mod google;
    mod history;
    mod lease;
    mod ledger;
    mod lender;
    mod lfs;
    mod lfs_gc;
    mod lfs_gc_nets;
    mod locks;
    mod log_nets;
    #[cfg(feature = "long-tail")]
    mod long_tail;
    mod lost_reply;
    mod maintenance;
    mod maintenance_nets;
    mod neighbours;
    mod nets;
    mod overlap;
    mod restore;
    mod resume_fetch;
    mod resume_push;
    mod s3;
    mod store_contract;
    mod world;
}
