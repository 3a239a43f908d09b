//! Lambda without Lambda: a function's binary in a process, and the Runtime API that it asks for events.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::serve::{self, Answer};

/// How long a function may take for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked at whether it still runs.
const LOOK: Duration = Duration::from_millis(100);

/// What a function did, and when.
#[derive(Debug)]
enum Did {
    /// It asked for an event.
    Asked(Instant),
    /// It got one.
    Got(Instant),
    /// It answered.
    Answered(Instant, Vec<u8>),
    /// It says that it failed.
    Failed(Vec<u8>),
}

/// A function that runs. Ends when dropped.
#[derive(Debug)]
pub struct Function {
    process: Child,
    begun: Instant,
    events: Sender<String>,
    did: Receiver<Did>,
    /// What it writes to its standard error.
    complaints: File,
}

impl Function {
    /// Starts a binary that finds AWS at `aws`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(binary: &Path, aws: SocketAddr) -> io::Result<Self> {
        let (events, waiting) = channel::<String>();
        let (tell, did) = channel();
        let waiting = Mutex::new(waiting);
        let tell = Mutex::new(tell);
        let api = serve::start(move |asked| {
            let now = Instant::now();
            let tell = tell.lock().ok()?.clone();
            if asked.path.ends_with("/invocation/next") {
                tell.send(Did::Asked(now)).ok()?;
                let event = waiting.lock().ok()?.recv().ok()?;
                tell.send(Did::Got(Instant::now())).ok()?;
                let headers = vec![
                    ("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
                    // In the year 2100: nothing here ends for want of time.
                    ("Lambda-Runtime-Deadline-Ms", "4102444800000".to_owned()),
                    (
                        "Lambda-Runtime-Invoked-Function-Arn",
                        "arn:aws:lambda:us-east-1:1:function:f".to_owned(),
                    ),
                    ("Content-Type", "application/json".to_owned()),
                ];
                return Some(Answer { status: 200, headers, body: event.into_bytes() });
            }
            let failed = asked.path.ends_with("/error");
            let told = if failed { Did::Failed(asked.body) } else { Did::Answered(now, asked.body) };
            tell.send(told).ok()?;
            Some(Answer { status: 202, ..Answer::default() })
        })?;
        let complaints = tempfile::tempfile()?;
        let queue = |name: &str| format!("http://{aws}/1/{name}");
        let begun = Instant::now();
        let process = Command::new(binary)
            .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "f")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "s")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "g")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .env("AWS_ENDPOINT_URL", format!("http://{aws}"))
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("TABLE_NAME", "table")
            .env("INDEX_TABLE_NAME", "index")
            .env("BUCKET_NAME", "bucket")
            .env("KEY_PARAMETER", "/desk/key")
            .env("EMAIL_FUNCTION", "email")
            .env("PUBLIC_URL", "https://desk.example")
            .envs(
                ["INBOUND", "OUTBOUND"]
                    .map(|name| (format!("{name}_QUEUE_URL"), queue(&format!("{name}.fifo")))),
            )
            .env("WORK_QUEUE_URL", queue("work"))
            .envs(["INBOUND", "OUTBOUND", "WORK", "RELAY", "EMAIL"].map(|name| {
                let fifo = if name == "INBOUND" || name == "OUTBOUND" { ".fifo" } else { "" };
                (format!("{name}_DEAD_LETTERS_URL"), queue(&format!("{name}-dead{fifo}")))
            }))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints.try_clone()?)
            .spawn()?;
        Ok(Self { process, begun, events, did, complaints })
    }

    /// Waits until it asks for an event; how long that is after its start.
    ///
    /// # Errors
    /// When it does not ask.
    pub fn polled(&mut self) -> io::Result<Duration> {
        match self.next()? {
            Did::Asked(at) => Ok(at - self.begun),
            other => Err(io::Error::other(format!("the function did something else: {other:?}"))),
        }
    }

    /// Hands it an event and waits for its answer: how long it took, when it came after the start, and what it was.
    ///
    /// # Errors
    /// When it fails.
    pub fn handles(&mut self, event: &Value) -> io::Result<(Duration, Duration, Value)> {
        self.events.send(event.to_string()).map_err(io::Error::other)?;
        let mut got = None;
        loop {
            match self.next()? {
                Did::Got(at) => got = Some(at),
                Did::Answered(at, answer) => {
                    let took = got.map(|got| at - got).unwrap_or_default();
                    let answer = serde_json::from_slice(&answer).unwrap_or_default();
                    return Ok((took, at - self.begun, answer));
                }
                Did::Asked(_) => {}
                Did::Failed(why) => return Err(io::Error::other(String::from_utf8_lossy(&why).into_owned())),
            }
        }
    }

    fn next(&mut self) -> io::Result<Did> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(did) = self.did.recv_timeout(LOOK) {
                return Ok(did);
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(io::Error::other(format!("it ended with {status}: {}", self.complaint()?)));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("it does nothing: {}", self.complaint()?)));
            }
        }
    }

    /// What it said last.
    fn complaint(&mut self) -> io::Result<String> {
        let mut said = String::new();
        self.complaints.rewind()?;
        self.complaints.read_to_string(&mut said)?;
        Ok(said.lines().last().unwrap_or_default().to_owned())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}
