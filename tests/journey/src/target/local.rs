//! The desk in one process, as `cargo run` starts it.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::process::Child;

use super::Confinement;
use crate::port::free_address;
use crate::{client, eventually};

/// How long the desk may take to start.
const START: Duration = Duration::from_secs(30);
/// The token that the desk is started with.
const TOKEN: &str = "ldk_journey-canary-0123456789abcdefghijklmnop";

/// How the desk gets what its bots receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiving {
    /// It knows its public URL, and platforms post to it.
    Webhook,
    /// It knows none, and asks platforms for news.
    Polling,
}

/// A desk in a process of its own, with a folder of its own.
#[derive(Debug)]
pub struct Local {
    folder: TempDir,
    url: String,
    smtp: SocketAddr,
    receiving: Receiving,
    confinement: Option<Confinement>,
    process: Child,
}

impl Local {
    /// Starts a new desk.
    pub async fn start(receiving: Receiving) -> Self {
        let folder = TempDir::with_prefix("lambdesk-journey-").expect("a folder for the desk");
        let url = format!("http://{}", free_address());
        let smtp = free_address();
        let process = launch(folder.path(), &url, smtp, receiving, None);
        let mut local = Self { folder, url, smtp, receiving, confinement: None, process };
        local.await_health().await;
        local
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it takes mails.
    pub fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// The API token that it was started with.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// Kills it without any warning, as a failing machine does.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("the desk was running");
    }

    /// Starts it again on the same folder and address.
    pub async fn restart(&mut self) {
        self.launch();
        self.await_health().await;
    }

    /// Starts it again on the same folder and address, where it cannot work. How it ended, and what it said.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn restart_in_vain(&mut self) -> (ExitStatus, String) {
        let before = self.log().len();
        self.launch();
        let ended = tokio::time::timeout(START, self.process.wait()).await.expect("the desk ends by itself");
        let log = self.log();
        (ended.expect("the desk was started"), log.get(before..).unwrap_or_default().to_owned())
    }

    /// Confines the process, or lets it do everything again, from its next start on.
    pub fn confine(&mut self, confinement: Option<Confinement>) {
        self.confinement = confinement;
    }

    /// The memory that it has, in bytes.
    ///
    /// # Panics
    /// When it does not run, or the machine does not tell.
    pub fn memory(&self) -> u64 {
        let process = self.process.id().expect("the desk runs");
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the system tells");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kilobytes");
        kilobytes * 1024
    }

    /// The folder in which it keeps everything.
    pub fn data(&self) -> PathBuf {
        data(self.folder.path())
    }

    /// Starts it again on the same folder and address, and does not wait for it.
    pub fn launch(&mut self) {
        let confinement = self.confinement.as_ref();
        self.process = launch(self.folder.path(), &self.url, self.smtp, self.receiving, confinement);
    }

    /// Everything that it has written to its output.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(log_path(self.folder.path())).expect("the desk has a log");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Makes the file of its output this long, in bytes.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn lengthen_log(&self, length: u64) {
        let log = File::options().write(true).open(log_path(self.folder.path())).expect("the desk has a log");
        log.set_len(length).expect("the log is ours");
    }

    /// Runs a command of the command line against this desk: its exit code, and what it printed.
    pub async fn command(&self, token: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = tokio::process::Command::new(binary())
            .args(arguments)
            .env("LAMBDESK_URL", &self.url)
            .env("LAMBDESK_API_TOKEN", token)
            .output()
            .await
            .expect("the command line runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    async fn await_health(&mut self) {
        let url = format!("{}/health", self.url);
        let client = client();
        let log = log_path(self.folder.path());
        let process = std::sync::Mutex::new(&mut self.process);
        eventually("the desk is up", START, async || {
            let ended = process.lock().expect("one looks at a time").try_wait();
            if let Ok(Some(status)) = ended {
                panic!(
                    "the desk ended with {status}:\n{}",
                    std::fs::read_to_string(&log).unwrap_or_default()
                );
            }
            match client.get(&url).send().await {
                Ok(response) if response.status() == 200 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}

fn launch(
    folder: &Path,
    url: &str,
    smtp: SocketAddr,
    receiving: Receiving,
    confinement: Option<&Confinement>,
) -> Child {
    let log = File::options().create(true).append(true).open(log_path(folder)).expect("a log for the desk");
    let listen = url.trim_start_matches("http://");
    let mut command = match confinement {
        Some(confinement) => confinement.command(binary()),
        None => tokio::process::Command::new(binary()),
    };
    command.args(["--listen", listen, "--data"]).arg(data(folder));
    command.args(["--smtp", &smtp.to_string()]);
    if receiving == Receiving::Webhook {
        command.args(["--public-url", url]);
    }
    for variable in ["LAMBDESK_LISTEN", "LAMBDESK_DATA", "LAMBDESK_PUBLIC_URL", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
        .env("LAMBDESK_API_TOKEN", TOKEN)
        .env("LAMBDESK_TICK_SECONDS", "1")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle of the log"))
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("the desk starts")
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("log")
}

/// Lets this process, and what it starts from now on, have so many files open.
///
/// # Panics
/// When the system does not allow it.
pub fn allow_files(count: u64) {
    let allowed = getrlimit(Resource::Nofile);
    // Who may, raises the highest limit, too.
    let maximum = allowed.maximum.map(|maximum| maximum.max(count));
    let wanted = Rlimit { current: Some(count.max(allowed.current.unwrap_or(count))), maximum };
    let raised = setrlimit(Resource::Nofile, wanted);
    assert!(
        raised.is_ok(),
        "{count} open files are needed, and the system allows {:?}: {raised:?}",
        allowed.maximum
    );
}

/// The binary in `LAMBDESK_BIN`, else the one that cargo builds beside the tests.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("LAMBDESK_BIN") {
            return given.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        let built = build.args(["build", "--quiet", "-p", "lambdesk-local"]).current_dir(root()).status();
        assert!(built.is_ok_and(|status| status.success()), "the desk does not build");
        // The test is `target/<profile>/deps/it-…`.
        let test = std::env::current_exe().expect("a test knows where it is");
        let profile = test.parent().and_then(Path::parent).expect("cargo's layout");
        profile.join("lambdesk")
    })
}

/// The root of the workspace.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate is two folders below the root")
}
