//! MiniStack: a mock of AWS, for a run of its own: storage classes, restoring, and the
//! statuses of AWS itself. It lets everybody in, so it says nothing about rights.

use super::http;
use super::s3::{self, BUCKET};
use super::server::Server;
use crate::tools::{self, Wheel};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the program comes from.
const WHEEL: Wheel = Wheel {
    name: "ministack",
    version: "1.5.33",
    program: "bin/ministack",
};

/// The server.
#[derive(Debug)]
pub struct MiniStack;

impl Server for MiniStack {
    fn name(&self) -> &'static str {
        "MiniStack"
    }

    fn install(&self, target: &Path) -> Result<Vec<PathBuf>, String> {
        // Started through its interpreter: the port on the command line is what `services
        // down` knows the process by, and the program itself takes none.
        let program = tools::wheel(target, &WHEEL)?;
        let python = program.with_file_name("python");
        Ok(vec![python, program])
    }

    fn ports(&self) -> usize {
        1
    }

    fn configure(&self, command: &mut Command, _: &Path, ports: &[u16]) -> Result<(), String> {
        command
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", ports[0].to_string())
            // Or it would listen on one more port, on every address.
            .env("IOT_MTLS_ENABLED", "0");
        Ok(())
    }

    fn probe(&self, ports: &[u16]) -> Result<(), String> {
        // 409: an earlier attempt has made it.
        match http::ask("PUT", ports[0], &format!("/{BUCKET}"), "")? {
            (200 | 409, _) => Ok(()),
            (status, body) => Err(format!("the bucket was answered {status}: {body}")),
        }
    }

    /// Everybody may do everything there.
    fn left_out(&self) -> &'static str {
        "test(/s3::(wrong_keys_are_denied|a_reader_may_read)/)"
    }

    fn settings(&self, ports: &[u16]) -> Vec<(&'static str, String)> {
        s3::settings(ports[0])
    }
}
