//! What must hold at the end.

use std::collections::HashMap;
use std::time::Duration;

use journey::eventually;
use journey::stage::{Line, Stage};
use serde_json::Value;

use crate::load::{Accepted, Scene, Told};

/// How long the desk may take to get through what is still queued.
const PATIENCE: Duration = Duration::from_secs(240);

/// Waits until every queue is empty and every answer has come to its end; then all must be well.
pub(crate) async fn drained(stage: &Stage, answers: &[Accepted]) {
    eventually("the queues are empty", PATIENCE, async || {
        let report = stage.desk.get("/doctor").await;
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        let queues: Vec<_> = findings
            .into_iter()
            .filter(|finding| finding["area"].as_str().is_some_and(|area| area.starts_with("queue ")))
            .collect();
        let empty = |finding: &Value| finding["what"] == "0 messages wait, 0 are in hand.";
        if queues.len() == 3 && queues.iter().all(empty) { Ok(()) } else { Err(queues) }
    })
    .await;
    eventually("every answer has come to its end", PATIENCE, async || {
        let mut unfinished = Vec::new();
        for events in events_of_all(stage, answers).await.into_values() {
            unfinished.extend(events.into_iter().filter(|event| {
                event["kind"] == "replied"
                    && !["sent", "uncertain"].iter().any(|state| event["delivery"] == *state)
            }));
        }
        if unfinished.is_empty() { Ok(()) } else { Err(unfinished) }
    })
    .await;
    assert_eq!(stage.desk.list("/dead-letters").await, Vec::<Value>::new(), "no dead letters");
    let report = stage.desk.get("/doctor").await;
    let findings = report["findings"].as_array().expect("a report has findings");
    // The address's domain has no records, because there is no such domain.
    let elsewhere =
        |finding: &Value| finding["what"].as_str().is_some_and(|it| it.ends_with(" of shop.example"));
    let bad: Vec<_> = findings.iter().filter(|it| it["ok"] != true && !elsewhere(it)).collect();
    assert!(bad.is_empty(), "the doctor is content: {bad:#?}");
}

/// Every acknowledged message is one event of one ticket, in order, and no conversation has a second ticket.
pub(crate) async fn messages(stage: &Stage, line: &Line, chats: &[Told], mails: &[Told]) {
    let mut tickets: HashMap<String, Vec<String>> = HashMap::new();
    let mut mailed: HashMap<String, Vec<String>> = HashMap::new();
    for ticket in stage.desk.list("/tickets").await {
        let id = ticket["id"].as_str().expect("a ticket has an id").to_owned();
        if ticket["connection"] == line.id {
            let conversation =
                ticket["conversation"].as_str().expect("a ticket has a conversation").to_owned();
            tickets.entry(conversation).or_default().push(id);
        } else {
            let events = stage.desk.events_of(&id, "message_received").await;
            let author =
                events[0]["content"]["letter"]["from"]["address"].as_str().expect("a mail has an author");
            mailed.entry(author.to_owned()).or_default().push(id);
        }
    }
    assert_eq!((tickets.len(), mailed.len()), (chats.len(), mails.len()), "a conversation each");
    for (told, tickets) in
        chats.iter().map(|told| (told, &tickets)).chain(mails.iter().map(|told| (told, &mailed)))
    {
        let conversation = &told.conversation;
        let here = tickets.get(conversation).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(here.len(), 1, "one ticket in {conversation}: {here:?}");
        let received = stage.texts_received(&here[0]).await;
        assert!(
            received == told.texts,
            "in {conversation} was acknowledged:\n{:?}\nand is stored:\n{received:?}",
            told.texts
        );
    }
}

/// Every accepted answer is one event and reached the platform once, or at most once and is marked. How many are.
pub(crate) async fn answers(stage: &Stage, scene: &Scene, answers: &[Accepted]) -> usize {
    let mut arrived: HashMap<String, usize> = HashMap::new();
    let chats = scene.line.bot.calls("sendMessage").into_iter().filter(|call| call.status == 200);
    let texts = chats.filter_map(|call| call.values["text"].as_str().map(str::to_owned));
    let mails = scene.server.sent().into_iter().map(|mail| mail.text());
    for text in texts.chain(mails) {
        *arrived.entry(text.lines().next().unwrap_or_default().trim().to_owned()).or_default() += 1;
    }
    let events = events_of_all(stage, answers).await;
    let mut uncertain = 0;
    for Accepted { ticket, created, text } in answers {
        let replied: Vec<_> = events[ticket.as_str()]
            .iter()
            .filter(|event| event["kind"] == "replied" && event["content"]["text"] == text.as_str())
            .collect();
        assert_eq!(replied.len(), 1, "one event of {text:?}: {replied:#?}");
        assert_eq!(replied[0]["seq"], created["seq"]);
        let times = arrived.get(text).copied().unwrap_or_default();
        match replied[0]["delivery"].as_str() {
            Some("sent") => assert_eq!(times, 1, "{text:?} is sent"),
            Some("uncertain") => {
                assert!(times <= 1, "{text:?} arrived {times} times");
                uncertain += 1;
            }
            other => assert_eq!(other, Some("sent"), "{text:?}"),
        }
    }
    uncertain
}

/// The events of every ticket that was answered.
async fn events_of_all<'a>(stage: &Stage, answers: &'a [Accepted]) -> HashMap<&'a str, Vec<Value>> {
    let mut events = HashMap::new();
    for answer in answers {
        if !events.contains_key(answer.ticket.as_str()) {
            events.insert(answer.ticket.as_str(), stage.desk.events(&answer.ticket).await);
        }
    }
    events
}
