//! A desk that nobody can reach asks for news.

use journey::desk::SOON;
use journey::eventually;
use journey::stage::Stage;
use journey::target::Receiving;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_are_asked_for() {
    if !crate::runs("local") {
        return;
    }
    let stage = Stage::local(Receiving::Polling).await;
    let line = stage.connect(json!({})).await;
    assert_eq!(line.bot.webhook(), None, "a desk without a public URL sets no webhook");
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    anna.says("Anybody?").await;
    assert_eq!(stage.received(&ticket, 2).await, ["Hello?", "Anybody?"]);
    let reply = stage.desk.reply(&ticket, "Yes").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(line.bot.texts(anna.chat()), ["Yes"]);
    eventually("what was received is acknowledged", SOON, async || {
        let pending = line.bot.pending();
        if pending.is_empty() { Ok(()) } else { Err(pending) }
    })
    .await;
    assert!(line.bot.calls("getUpdates").iter().all(|call| call.status == 200), "one poll at a time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_survive_a_crash() {
    if !crate::runs("local") {
        return;
    }
    let mut stage = Stage::local(Receiving::Polling).await;
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "One").await;
    stage.process().kill().await;
    anna.says("Two").await;
    stage.process().restart().await;
    anna.says("Three").await;
    assert_eq!(stage.received(&ticket, 3).await, ["One", "Two", "Three"]);
}
