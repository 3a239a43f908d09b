//! Mails → durable tickets in one process, over SMTP and over HTTP.
//!
//! A mail counts when it was acknowledged and its ticket is in the store; the time ends with the last one. What follows
//! from a ticket, such as making its customer findable, goes on beside that and takes its share of the processors.

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::local::{self, Local};
use crate::mails::{Mail, first_ones, follow_ups};
use crate::stored::Stored;
use crate::table::Row;
use crate::web::{Connection, request};
use crate::{Scale, floor, load, post, tell};

/// The address that is written to.
const ADDRESS: &str = "support@shop.example";
/// Connections that hand over mails at once.
const CONNECTIONS: usize = 32;
/// Messages a second.
const TARGET: f64 = 2000.0;

/// How mails come in.
#[derive(Debug, Clone, Copy)]
enum Way {
    Smtp,
    Http,
}

/// Measures both ways.
///
/// # Errors
/// When the desk does not do what it must.
pub fn measure(scale: Scale) -> io::Result<Vec<Row>> {
    tell(&format!("{} mails, each a bare commit", scale.mails));
    let floor = floor::measure(&first_ones(scale.mails, ADDRESS))?;
    let mut rows =
        vec![Row::note("local: the floor, a bare SQLite commit for each mail", format!("{floor:.0}/s"))];
    for (way, name) in [(Way::Smtp, "SMTP"), (Way::Http, "HTTP")] {
        rows.extend(measure_way(way, name, scale.mails, floor)?);
    }
    Ok(rows)
}

fn measure_way(way: Way, name: &str, count: usize, floor: f64) -> io::Result<Vec<Row>> {
    let desk = Local::start(local::folder()?)?;
    let door = Door::open(&desk, way)?;
    let stored = Stored::open(&desk.database())?;
    let mut rows = Vec::new();

    let first = first_ones(count, ADDRESS);
    tell(&format!("{count} mails over {name}"));
    let took = round(&desk, &door, &stored, &first)?;
    let tickets = stored.tickets()?;
    rows.push(took.row(
        &format!("local: e-mails → durable tickets over {name}"),
        count,
        floor,
        tickets == count,
    ));
    stored.await_quiet()?;

    tell(&format!("{count} follow-ups over {name}"));
    let follow = follow_ups(count, ADDRESS);
    let took = round(&desk, &door, &stored, &follow)?;
    let right = stored.tickets()? == tickets && stored.messages()? == 2 * count;
    rows.push(took.row(&format!("local: follow-ups → the same tickets over {name}"), count, floor, right));
    stored.await_quiet()?;

    tell(&format!("all of them once more over {name}"));
    let (before, messages) = (stored.tickets()?, stored.messages()?);
    let took = round(&desk, &door, &stored, &[first, follow].concat())?;
    stored.await_quiet()?;
    let (more, doubled) = (stored.tickets()? - before, stored.messages()? - messages);
    rows.push(Row::new(
        format!("local: the same {} mails again over {name}", 2 * count),
        format!("{more} new tickets, {doubled} new messages ({:.0}/s)", took.rate(2 * count)),
        "0 new tickets",
        more == 0 && doubled == 0,
    ));
    Ok(rows)
}

/// How long a round took.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// Until the last ticket stood.
    wall: Duration,
    /// The desk's processor time meanwhile.
    processor: Duration,
}

impl Took {
    fn rate(self, count: usize) -> f64 {
        count as f64 / self.wall.as_secs_f64()
    }

    fn row(self, figure: &str, count: usize, floor: f64, right: bool) -> Row {
        let rate = self.rate(count);
        let share = rate / floor;
        let each = self.processor.as_secs_f64() * 1000.0 / count as f64;
        let counted = if right { "" } else { ", NOT ALL THERE" };
        let measured =
            format!("{rate:.0}/s ({count}; {share:.2} × the floor; {each:.2} ms of processor each{counted})");
        Row::new(figure, measured, format!("≥ {TARGET:.0}/s"), right && rate >= TARGET)
    }
}

fn round(desk: &Local, door: &Door, stored: &Stored, mails: &[Mail]) -> io::Result<Took> {
    let (begun, used) = (Instant::now(), desk.processor()?);
    load::shared(CONNECTIONS, mails, |mails| door.hand_in(mails))?;
    tell(&format!("all were acknowledged after {:.2} s", begun.elapsed().as_secs_f64()));
    stored.await_routed()?;
    Ok(Took { wall: begun.elapsed(), processor: desk.processor()? - used })
}

/// Where mails are handed in.
struct Door {
    way: Way,
    smtp: std::net::SocketAddr,
    http: std::net::SocketAddr,
    path: String,
    bearer: String,
}

impl Door {
    fn open(desk: &Local, way: Way) -> io::Result<Self> {
        let body = json!({"channel": "email", "name": "Support", "settings": {"address": ADDRESS}});
        let connection = desk.api("POST", "/connections", &body)?;
        let text = |pointer: &str| connection.pointer(pointer).and_then(|text| text.as_str());
        let (id, secret) = text("/id")
            .zip(text("/settings/secret"))
            .ok_or_else(|| io::Error::other(format!("no connection: {connection}")))?;
        Ok(Self {
            way,
            smtp: desk.smtp,
            http: desk.http,
            path: format!("/webhooks/email/{id}"),
            bearer: format!("Bearer {secret}"),
        })
    }

    fn hand_in(&self, mails: &mut dyn Iterator<Item = &Mail>) -> io::Result<()> {
        match self.way {
            Way::Smtp => post::hand_over(self.smtp, ADDRESS, mails),
            Way::Http => {
                let headers = [("Authorization", self.bearer.as_str()), ("Content-Type", "message/rfc822")];
                let mut connection = Connection::open(self.http)?;
                for mail in mails {
                    let (status, body) =
                        connection.ask(&request("POST", &self.path, &headers, &mail.bytes))?;
                    if status != 200 {
                        let body = String::from_utf8_lossy(&body);
                        return Err(io::Error::other(format!("a mail was refused: {status} {body}")));
                    }
                }
                Ok(())
            }
        }
    }
}
