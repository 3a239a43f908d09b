//! What a visitor sees, and catching up after a lost connection.

use desk::command::{Command, Request, Update};
use desk::event::Actor;
use desk::reply::Delivery;
use desk::ticket::Status;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::answering::Answer;

use crate::stage::{Guest, Stage, texts};

impl Stage {
    /// What came after a cursor, and the next cursor.
    async fn since(&self, guest: &Guest, cursor: &str) -> (Vec<String>, String) {
        let page = self.page(guest, &format!("?after={cursor}")).await;
        assert_eq!(page["more"], false, "{page:#}");
        (texts(&page), cursor_of(&page))
    }

    async fn states(&self, guest: &Guest) -> Vec<Delivery> {
        let events = self.desk.events(self.ticket(guest).await.id, 0, 100).await.unwrap().items;
        let ids: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.fact {
                desk::event::Fact::Replied(replied) => Some(replied.reply),
                _ => None,
            })
            .collect();
        let mut replies = self.desk.replies(&self.thread(guest), &ids).await.unwrap();
        replies.sort_by_key(|reply| reply.seq);
        replies.into_iter().map(|reply| reply.state).collect()
    }
}

fn cursor_of(page: &Value) -> String {
    page["cursor"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_is_missed_between_two_cursors() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    assert_eq!(stage.page(&guest, "").await, json!({"items": [], "cursor": null, "more": false}));
    stage.says(&guest, "1", "one").await;
    let ticket = stage.ticket(&guest).await.id;
    let cursor = cursor_of(&stage.page(&guest, "").await);
    stage.reply(&guest, ticket, "two").await;
    stage.says(&guest, "3", "three").await;
    let (came, cursor) = stage.since(&guest, &cursor).await;
    assert_eq!(came, ["two", "three"]);
    let (came, again) = stage.since(&guest, &cursor).await;
    assert!(came.is_empty());
    stage.reply(&guest, ticket, "four").await;
    assert_eq!(stage.since(&guest, &again).await.0, ["four"]);
    assert_eq!(stage.texts(&guest).await, ["one", "two", "three", "four"]);
}

#[tokio::test]
async fn a_scheduled_answer_is_seen_when_it_was_sent() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    stage.says(&guest, "1", "one").await;
    let ticket = stage.ticket(&guest).await.id;
    let later = stage.now() + SignedDuration::from_hours(1);
    let answer = Answer { text: Some("late".to_owned()), not_before: Some(later), ..Answer::default() };
    stage.write(ticket, answer).await;
    stage.reply(&guest, ticket, "at once").await;
    let page = stage.page(&guest, "").await;
    assert_eq!(texts(&page), ["one", "at once"]);
    stage.says(&guest, "2", "two").await;
    let (came, cursor) = stage.since(&guest, &cursor_of(&page)).await;
    assert_eq!(came, ["two"]);
    stage.wait(SignedDuration::from_hours(2));
    stage.deliver(&guest).await;
    let (came, cursor) = stage.since(&guest, &cursor).await;
    assert_eq!(came, ["late"]);
    assert!(stage.since(&guest, &cursor).await.0.is_empty());
}

#[tokio::test]
async fn a_conversation_goes_on_over_tickets() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    stage.says(&guest, "1", "one").await;
    let first = stage.ticket(&guest).await.id;
    let solve = Command::Update(Update { status: Some(Status::Solved), ..Update::default() });
    stage.desk.execute(first, Request { actor: Actor::System, cause: None, command: solve }).await.unwrap();
    let cursor = cursor_of(&stage.page(&guest, "").await);
    stage.wait(SignedDuration::from_hours(8 * 24));
    let guest = stage.guest(json!({"token": guest.token})).await;
    stage.says(&guest, "2", "two").await;
    assert_ne!(stage.ticket(&guest).await.id, first);
    assert_eq!(stage.texts(&guest).await, ["one", "two"]);
    let (came, cursor) = stage.since(&guest, &cursor).await;
    assert_eq!(came, ["two"]);
    // The old ticket is not closed, so somebody may still answer there.
    stage.reply(&guest, first, "to the old one").await;
    let (came, cursor) = stage.since(&guest, &cursor).await;
    assert_eq!(came, ["to the old one"]);
    assert!(stage.since(&guest, &cursor).await.0.is_empty());
}

#[tokio::test]
async fn a_long_conversation_comes_in_pages() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    let said: Vec<String> = (0..23).map(|number| format!("message {number}")).collect();
    for text in &said {
        stage.wait(SignedDuration::from_secs(10));
        stage.says(&guest, &text.replace(' ', "-"), text).await;
    }
    let latest = stage.page(&guest, "?limit=5").await;
    assert_eq!(texts(&latest), said[18..]);
    let first = latest["items"][0]["cursor"].as_str().unwrap();
    let ticket = first.get(..26).unwrap();
    let (mut seen, mut cursor) = (Vec::new(), format!("{ticket}0000000000"));
    for round in 0.. {
        assert!(round < 10, "the pages do not end");
        let page = stage.page(&guest, &format!("?limit=5&after={cursor}")).await;
        seen.extend(texts(&page));
        cursor = cursor_of(&page);
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, said);
    let wrong = stage.ask(axum::http::Method::GET, "messages?after=x", Some(&guest.token), None).await;
    wrong.is_problem(422, "invalid_parameter");
}

#[tokio::test]
async fn an_answer_is_sent_then_delivered_then_read() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    stage.says(&guest, "1", "one").await;
    let ticket = stage.ticket(&guest).await.id;
    stage.reply(&guest, ticket, "two").await;
    assert_eq!(stage.states(&guest).await, [Delivery::Sent]);
    let page = stage.page(&guest, "").await;
    assert_eq!(stage.states(&guest).await, [Delivery::Delivered]);
    let other = stage.guest(json!({})).await;
    let cursor = json!({"cursor": page["items"][1]["cursor"]});
    stage.post(&other, "read", cursor.clone()).await.is(204);
    assert_eq!(stage.states(&guest).await, [Delivery::Delivered], "only who was told can have read it");
    stage.post(&guest, "read", json!({"cursor": page["items"][0]["cursor"]})).await.is(204);
    assert_eq!(stage.states(&guest).await, [Delivery::Delivered], "what came later was not read");

    stage.post(&guest, "read", cursor.clone()).await.is(204);
    assert_eq!(stage.states(&guest).await, [Delivery::Read]);
    assert!(
        stage
            .frames(&guest)
            .iter()
            .any(|frame| frame["type"] == "read" && frame["cursor"] == cursor["cursor"])
    );
    stage.page(&guest, "").await;
    assert_eq!(stage.states(&guest).await, [Delivery::Read], "it never goes back");
    stage.post(&guest, "read", json!({"cursor": "x"})).await.is_problem(422, "invalid_cursor");
}
