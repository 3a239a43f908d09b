//! A desk that dies without warning.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use journey::desk::SOON;
use journey::eventually;
use journey::stage::Stage;
use journey::target::Receiving;
use journey::telegram::Fault;
use serde_json::json;

const CUSTOMERS: usize = 6;
const MESSAGES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_doubled() {
    if !crate::runs("local") {
        return;
    }
    let mut stage = Stage::local(Receiving::Webhook).await;
    let line = stage.connect(json!({})).await;
    let customers: Vec<_> =
        (0..CUSTOMERS).map(|number| line.bot.customer(&format!("Customer {number}"))).collect();
    let delivered = AtomicUsize::new(0);
    let burst = join_all(customers.iter().map(async |customer| {
        for message in 0..MESSAGES {
            // The platform repeats what was not acknowledged, as long as it takes.
            customer.says(&format!("Message {message}")).await;
            delivered.fetch_add(1, Ordering::SeqCst);
        }
    }));
    let crashes = async {
        for crash in 1..=2 {
            let enough = crash * CUSTOMERS * MESSAGES / 3;
            eventually("the burst is under way", SOON, async || {
                let count = delivered.load(Ordering::SeqCst);
                if count >= enough { Ok(()) } else { Err(count) }
            })
            .await;
            stage.process().kill().await;
            stage.process().restart().await;
        }
    };
    tokio::join!(burst, crashes);

    let wanted: Vec<_> = (0..MESSAGES).map(|message| format!("Message {message}")).collect();
    for customer in &customers {
        let ticket = stage.ticket_of(&line, customer).await;
        assert_eq!(stage.received(&ticket, MESSAGES).await, wanted);
    }
    let tickets = stage.desk.list("/tickets").await;
    assert_eq!(tickets.len(), CUSTOMERS);
    assert!(stage.desk.list("/dead-letters").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_are_sent_at_most_once() {
    if !crate::runs("local") {
        return;
    }
    let mut stage = Stage::local(Receiving::Webhook).await;
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    let mut written = Vec::new();
    for number in 0..12 {
        let text = format!("Reply {number}");
        written.push((stage.desk.reply(&ticket, &text).await, text));
    }
    stage.process().kill().await;
    stage.process().restart().await;
    // The first one that was not finished may have been claimed: nobody knows whether it arrived. All others are
    // sent, and none is sent twice.
    let last = stage.desk.reply(&ticket, "Last").await;
    eventually("every reply has come to its end", SOON, async || {
        let events = stage.desk.events_of(&ticket, "replied").await;
        let unfinished =
            events.iter().find(|event| event["delivery"] != "sent" && event["delivery"] != "uncertain");
        unfinished.map_or(Ok(()), |event| Err(event.clone()))
    })
    .await;
    let sent = line.bot.texts(anna.chat());
    let mut once = sent.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), sent.len(), "no reply twice: {sent:?}");
    let order: Vec<_> = written.iter().map(|(_, text)| text.clone()).chain(["Last".to_owned()]).collect();
    let kept: Vec<_> = order.into_iter().filter(|text| sent.contains(text)).collect();
    assert_eq!(sent, kept, "replies keep their order");
    assert!(last["id"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_ends_with_the_process() {
    if !crate::runs("local") {
        return;
    }
    let mut stage = Stage::local(Receiving::Webhook).await;
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    line.bot.fail("sendMessage", None, Fault::Hang);
    let doubtful = stage.desk.reply(&ticket, "On its way").await;
    let next = stage.desk.reply(&ticket, "Behind it").await;
    eventually("the request is made", SOON, async || {
        let calls = line.bot.calls("sendMessage").len();
        if calls > 0 { Ok(()) } else { Err(calls) }
    })
    .await;
    stage.process().kill().await;
    stage.process().restart().await;
    // Nobody else can be at it, so nothing waits until the claim would have run out by itself.
    stage.desk.await_delivery(&ticket, &doubtful, "uncertain").await;
    stage.desk.await_delivery(&ticket, &next, "sent").await;
    assert_eq!(line.bot.texts(anna.chat()), ["Behind it"]);
}
