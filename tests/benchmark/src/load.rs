//! Load: requests at their times, whether or not the answers to others have come.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::web::Connection;

/// Connections, and so the most requests that are under way at once.
const CONNECTIONS: usize = 64;

/// How long answers took, counted from when the request was due.
#[derive(Debug, Clone)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Sorts what was measured.
    pub fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The latency that so many thousandths of the requests did not exceed, in milliseconds.
    pub fn at(&self, thousandths: usize) -> f64 {
        let place = (self.0.len() * thousandths).div_ceil(1000).clamp(1, self.0.len().max(1)) - 1;
        self.0.get(place).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }
}

/// A request and the status that it must be answered with.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its bytes.
    pub request: Vec<u8>,
    /// The right status.
    pub status: u16,
}

/// Sends requests evenly spaced, `rate` in a second, and returns how long the answers took.
///
/// A request that finds all connections busy waits, and that counts: it was due before.
///
/// # Errors
/// When a request is answered wrongly or not at all.
pub fn at_a_rate(to: SocketAddr, rate: u32, requests: Vec<Asked>) -> io::Result<Latencies> {
    let (send, due) = channel::<(Instant, Asked)>();
    let due = Arc::new(Mutex::new(due));
    let workers: Vec<JoinHandle<io::Result<Vec<Duration>>>> = (0..CONNECTIONS)
        .map(|_| {
            let due = Arc::clone(&due);
            thread::spawn(move || answers(to, &due))
        })
        .collect();
    let begun = Instant::now() + Duration::from_millis(100);
    for (number, asked) in (0_u32..).zip(requests) {
        let at = begun + Duration::from_secs(1) * number / rate;
        if let Some(left) = at.checked_duration_since(Instant::now()) {
            sleep(left);
        }
        if send.send((at, asked)).is_err() {
            break;
        }
    }
    drop(send);
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.join().map_err(|_| io::Error::other("a connection's thread ended"))??);
    }
    Ok(Latencies::new(all))
}

fn answers(to: SocketAddr, due: &Mutex<Receiver<(Instant, Asked)>>) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::open(to)?;
    let mut latencies = Vec::new();
    loop {
        let next = due.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((at, asked)) = next else { return Ok(latencies) };
        let (status, body) = connection.ask(&asked.request)?;
        latencies.push(at.elapsed());
        if status != asked.status {
            let body = String::from_utf8_lossy(&body);
            return Err(io::Error::other(format!("{status} in place of {}: {body}", asked.status)));
        }
    }
}

/// Runs the same work on several threads, each with its share of things.
///
/// # Errors
/// When one of them fails.
pub fn shared<T, F>(threads: usize, things: &[T], work: F) -> io::Result<()>
where
    T: Sync,
    F: Fn(&mut dyn Iterator<Item = &T>) -> io::Result<()> + Sync,
{
    thread::scope(|scope| {
        let work = &work;
        let all: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || work(&mut things.iter().skip(first).step_by(threads))))
            .collect();
        all.into_iter().try_for_each(|one| one.join().map_err(|_| io::Error::other("a thread ended"))?)
    })
}
