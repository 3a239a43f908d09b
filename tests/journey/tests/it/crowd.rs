//! Ten thousand visitors of the site who are connected at once.

use std::io::Write as _;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use journey::stage::{Stage, Target};
use journey::target::{Receiving, allow_files};
use journey::webchat::{Chat, Socket, Visitor};
use serde_json::{Value, json};

const VISITORS: usize = 10_000;
/// Sockets, and what else a process has open.
const FILES: u64 = 10_500;
/// Who asks something: the first, the last, and some between.
const ASKING: [usize; 5] = [0, 1, 4_999, 7_500, VISITORS - 1];
/// How many are connected, or spoken to, at a time: other journeys want the machine, too.
const AT_ONCE: usize = 8;

/// A visitor behind an address of their own: a crowd behind one address would be kept waiting.
async fn comes(chat: &Chat, number: usize) -> (Visitor, Socket) {
    let address = format!("10.1.{}.{}", number / 256, number % 256);
    let visitor = chat.visitor_from(&address).await;
    let socket = visitor.quiet_socket().await;
    (visitor, socket)
}

/// What came to a connection up to the answer to a ping: it lives.
async fn heard(socket: &mut Socket) -> Vec<Value> {
    socket.send(&json!({"type": "ping"})).await;
    let mut frames = Vec::new();
    loop {
        let frame = socket.frame().await;
        if frame["type"] == "pong" {
            return frames;
        }
        frames.push(frame);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_visitors_are_connected_at_once() {
    if !crate::runs("local") {
        return;
    }
    // The desk inherits it, and takes what it may have.
    allow_files(FILES);
    let stage = Stage::local(Receiving::Webhook).await;
    let Target::Local(local) = &stage.target else { panic!("this is about the desk in one process") };
    let before = local.memory();
    let chat = Chat::connect(&stage.desk, json!({})).await;
    let mut crowd: Vec<(Visitor, Socket)> =
        stream::iter(0..VISITORS).map(|number| comes(&chat, number)).buffered(AT_ONCE).collect().await;
    let connected = local.memory();

    let mut answers = Vec::new();
    for number in ASKING {
        let visitor = &crowd[number].0;
        visitor.says("1", &format!("Question {number}")).await;
        let ticket = crate::chat::ticket_of(&stage, visitor).await;
        let reply = stage.desk.reply(&ticket, &format!("Answer {number}")).await;
        answers.push((ticket, reply));
    }
    for (ticket, reply) in &answers {
        stage.desk.await_delivery(ticket, reply, "sent").await;
    }
    for number in ASKING {
        let socket = &mut crowd[number].1;
        let frame = socket.frame_of("message").await;
        assert_eq!(frame["item"]["text"], format!("Answer {number}"));
    }

    // Everybody is there, and nobody heard what was not for them.
    let alive = stream::iter(crowd.iter_mut().map(Ok::<_, (usize, Vec<Value>)>))
        .try_fold(0, async |count, (_, socket)| match heard(socket).await {
            frames if frames.is_empty() => Ok(count + 1),
            frames => Err((count, frames)),
        })
        .await;
    assert_eq!(alive, Ok(VISITORS));
    let told = local.memory();
    let megabytes = |bytes: u64| bytes / (1024 * 1024);
    writeln!(
        std::io::stderr(),
        "the desk's memory: {} MB alone, {} MB with {VISITORS} visitors connected, {} MB after all were spoken to",
        megabytes(before),
        megabytes(connected),
        megabytes(told),
    )
    .expect("the terminal is there");
}
