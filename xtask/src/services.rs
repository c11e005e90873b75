//! The servers of the tests: for one test run, or in the background for a developer.
//!
//! A file for each server, all of one shape ([`server::Server`]). A server that cannot be
//! installed or started fails the run: tests that were left out would look like tests that
//! passed.

mod azurite;
mod background;
mod ceph;
mod guard;
mod http;
mod ministack;
mod node;
mod ports;
mod rclone;
mod s3;
mod seaweedfs;
mod server;

pub use background::{down, print_env, up};
pub use guard::{COMMAND as GUARD, run as guard};

use crate::process;
use crate::programs;
use guard::Guard;
use server::Server;
use std::env;
use std::path::Path;
use std::process::Command;
use std::thread;

/// How often a start is tried: another program may take a port that was free just before.
const ATTEMPTS: usize = 3;

/// How the names of variables begin that hold a developer's own accounts.
const OWN_ACCOUNTS: [&str; 5] = ["AWS_", "AZURE_", "AZSTORE_", "GOOGLE_", "CLOUDSDK_"];

/// The servers of one test run. Dropping them stops them.
pub struct Services {
    running: Vec<Running>,
    /// Where the tests find other programs.
    programs: Vec<(&'static str, String)>,
}

struct Running {
    server: &'static dyn Server,
    guard: Guard,
    ports: Vec<u16>,
}

/// The servers of one kind of run.
#[derive(Clone, Copy)]
pub struct Cast(&'static [&'static dyn Server]);

impl Cast {
    /// What the usual run starts.
    pub const USUAL: Self = Self(server::USUAL);

    /// What the run on the long tail starts.
    pub const LONG_TAIL: Self = Self(server::LONG_TAIL);

    /// One S3 server of another make, by its name.
    pub fn other_s3(name: &str) -> Result<Self, String> {
        let known = |server: &&dyn Server| server.name().eq_ignore_ascii_case(name);
        let found = server::OTHER_S3.iter().position(known);
        let found = found.and_then(|at| server::OTHER_S3.get(at..=at));
        found.map(Self).ok_or_else(|| {
            let names: Vec<_> = server::OTHER_S3.iter().map(|it| it.name()).collect();
            format!(
                "there is no other S3 server '{name}'; there is {}",
                names.join(", ")
            )
        })
    }

    /// The tests that a run on them leaves out, as nextest's filter.
    pub fn left_out(self) -> String {
        let filters: Vec<_> = self.0.iter().map(|server| server.left_out()).collect();
        filters.join(" + ")
    }

    /// Installs those that are missing.
    pub fn install(self) -> Result<(), String> {
        let target = process::target()?;
        for server in self.0 {
            server.install(&target)?;
        }
        Ok(())
    }
}

impl Services {
    /// Installs what is missing, starts everything and waits until it answers.
    pub fn start(cast: Cast) -> Result<Self, String> {
        cast.install()?;
        let target = process::target()?;
        let started = thread::scope(|scope| {
            let start = |&server| {
                let target = &target;
                scope.spawn(move || Running::start(server, target))
            };
            let threads: Vec<_> = cast.0.iter().map(start).collect();
            let ends = threads.into_iter();
            let ends = ends.map(|end| end.join().map_err(|_| "a start panicked".to_owned())?);
            ends.collect::<Vec<Result<Running, String>>>()
        });
        // One that failed stops the others, which are dropped with this vector.
        let running = started.into_iter().collect::<Result<Vec<_>, String>>()?;
        let programs = programs::settings()?;
        Ok(Self { running, programs })
    }

    /// Says so if a server has ended since the start: what passed may have passed without.
    pub fn still_there(&mut self) -> Result<(), String> {
        for running in &mut self.running {
            if !running.guard.is_running() {
                let name = running.server.name();
                return Err(format!("{name} did not live to the end of the tests"));
            }
        }
        Ok(())
    }

    /// Tells a command where the servers and other programs are, and hides the developer's own accounts.
    pub fn show_to(&self, command: &mut Command) {
        for name in own_accounts() {
            command.env_remove(name);
        }
        for running in &self.running {
            command.envs(running.server.settings(&running.ports));
        }
        command.envs(self.programs.iter().map(|(name, value)| (name, value)));
    }
}

impl Running {
    fn start(server: &'static dyn Server, target: &Path) -> Result<Self, String> {
        let (name, program) = (server.name(), server.install(target)?);
        let mut attempt = 1;
        loop {
            let folder = format!("test-{}-{name}-{attempt}", std::process::id());
            let folder = target.join("services").join(folder);
            let ports = ports::free(server.ports())?;
            let mut guard = Guard::start(server, &program, &folder, &ports)?;
            match server::wait_until_ready(server, &ports, || guard.is_running()) {
                Ok(()) => {
                    eprintln!("{name} answers on 127.0.0.1:{}", ports[0]);
                    return Ok(Self {
                        server,
                        guard,
                        ports,
                    });
                }
                Err(error) if guard.is_running() => {
                    return Err(format!("{error}\n{}", server::log_tail(&folder)));
                }
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => eprintln!("{error}; trying again"),
            }
            attempt += 1;
        }
    }
}

/// The variables of the developer's own accounts, which no test may touch.
fn own_accounts() -> Vec<String> {
    env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| OWN_ACCOUNTS.iter().any(|start| name.starts_with(start)))
        .collect()
}
