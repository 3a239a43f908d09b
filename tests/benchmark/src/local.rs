//! The desk in one process, as it is shipped, in a folder of its own.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use journey::port::free_address;
use serde_json::Value;
use tempfile::TempDir;

use crate::{dns, web};

/// The token that the desk is started with.
pub const TOKEN: &str = "ldk_benchmark-canary-0123456789abcdefghijklmn";
/// How long it may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A desk that runs. Ends when dropped.
#[derive(Debug)]
pub struct Local {
    process: Child,
    /// Where it listens for HTTP.
    pub http: SocketAddr,
    /// Where it listens for SMTP.
    pub smtp: SocketAddr,
    folder: TempDir,
}

/// A new folder for a desk.
///
/// # Errors
/// When none can be made.
pub fn folder() -> io::Result<TempDir> {
    TempDir::with_prefix("lambdesk-benchmark-")
}

/// The database of the desk that keeps everything below a folder.
pub fn database(folder: &Path) -> PathBuf {
    folder.join("data/lambdesk.db")
}

impl Local {
    /// Starts a desk on a folder and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(folder: TempDir) -> io::Result<Self> {
        let (http, smtp) = (free_address(), free_address());
        let log = File::create(folder.path().join("log"))?;
        let process = Command::new(binary())
            .args(["--listen", &http.to_string(), "--public-url", &format!("http://{http}")])
            .args(["--smtp", &smtp.to_string(), "--dns", &dns::start()?.to_string()])
            .arg("--data")
            .arg(folder.path().join("data"))
            .env("LAMBDESK_API_TOKEN", TOKEN)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let desk = Self { process, http, smtp, folder };
        let begun = Instant::now();
        let health = web::request("GET", "/health", &[], b"");
        while web::Connection::open(http).and_then(|mut desk| desk.ask(&health)).is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other("the desk does not start"));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(desk)
    }

    /// Makes a request of its API.
    ///
    /// # Errors
    /// When the desk refuses.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> io::Result<Value> {
        web::api(self.http, TOKEN, method, path, body)
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        database(self.folder.path())
    }

    /// Its memory: what is resident now, and the most that was since it started, in MB.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn memory(&self) -> io::Result<(f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kilobytes: f64 = rest.trim().trim_end_matches(" kB").parse().ok()?;
            Some(kilobytes / 1024.0)
        };
        line("VmRSS:").zip(line("VmHWM:")).ok_or_else(|| io::Error::other("no memory in /proc"))
    }

    /// The processor time that it has used, of all its threads.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn processor(&self) -> io::Result<Duration> {
        // Linux counts in hundredths of a second wherever Rust runs. The name of the process may have spaces.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let rest = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        let ticks: u32 =
            rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// The desk's binary: the one in `LAMBDESK_BIN`, else the one beside this program.
fn binary() -> PathBuf {
    std::env::var_os("LAMBDESK_BIN").map_or_else(|| beside("lambdesk"), PathBuf::from)
}

/// Another program of the same build.
pub fn beside(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.with_file_name(name)
}
