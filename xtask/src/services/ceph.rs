//! Ceph's S3 gateway: a second S3 server of another make, for a run of its own.
//!
//! It has quirks that are worth a run: ETags in conditions without their quotes, answers 500
//! to what it did not do, small parts refused. Installed from the packages of Debian 12
//! without root: they are unpacked into a folder, and the system is left as it is.

use super::http;
use super::s3::{self, ADMIN, BUCKET, READ_ONLY};
use super::server::Server;
use crate::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the cluster is put together.
const SCRIPT: &str = include_str!("ceph.sh");

/// The four programs and what they load, less what every Debian has.
const PACKAGES: &[&str] = &[
    "ceph-base",
    "ceph-common",
    "ceph-mon",
    "ceph-osd",
    "radosgw",
    "libboost-context1.74.0",
    "libboost-thread1.74.0",
    "libcephfs2",
    "libdaxctl1",
    "libfmt9",
    "libfuse2",
    "libgoogle-perftools4",
    "libibverbs1",
    "libleveldb1d",
    "liblua5.3-0",
    "libndctl6",
    "libnl-3-200",
    "libnl-route-3-200",
    "liboath0",
    "libpmem1",
    "librabbitmq4",
    "librados2",
    "libradosstriper1",
    "librbd1",
    "librdmacm1",
    "libsnappy1v5",
    "libtcmalloc-minimal4",
];

/// The server.
#[derive(Debug)]
pub struct Ceph;

impl Server for Ceph {
    fn name(&self) -> &'static str {
        "Ceph"
    }

    fn install(&self, target: &Path) -> Result<Vec<PathBuf>, String> {
        let folder = target.join("tools").join("ceph");
        let _lock = tools::lock(&target.join("tools").join("lock"))?;
        if !folder.join("complete").exists() {
            unpack(&folder).map_err(|error| {
                format!("cannot install Ceph: {error}\nhint: this run needs Debian 12 on x86-64")
            })?;
        }
        let script = folder.join("ceph.sh");
        fs::write(&script, SCRIPT)
            .map_err(|error| format!("cannot write {}: {error}", script.display()))?;
        Ok(vec![PathBuf::from("bash"), script, folder])
    }

    fn ports(&self) -> usize {
        3
    }

    fn configure(&self, command: &mut Command, _: &Path, ports: &[u16]) -> Result<(), String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .args(ports.iter().map(u16::to_string))
            .env("PATH", path)
            .env("BUCKET", BUCKET)
            .env("ADMIN_KEY", ADMIN.key)
            .env("ADMIN_SECRET", ADMIN.secret)
            .env("READER_KEY", READ_ONLY.key)
            .env("READER_SECRET", READ_ONLY.secret);
        Ok(())
    }

    fn probe(&self, ports: &[u16]) -> Result<(), String> {
        // The bucket is there, and strangers may not look into it.
        http::expect("GET", ports[0], &format!("/{BUCKET}"), "", 403)
    }

    fn settings(&self, ports: &[u16]) -> Vec<(&'static str, String)> {
        s3::settings(ports[0])
    }
}

/// Fetches the packages and unpacks them. Costs some 60 MB.
fn unpack(folder: &Path) -> Result<(), String> {
    eprintln!("installing Ceph");
    tools::debian_packages(PACKAGES, folder)?;
    fs::write(folder.join("complete"), "")
        .map_err(|error| format!("cannot write into {}: {error}", folder.display()))
}
