//! What must have come of the days: everything once, in order, and nothing left to do.

use journey::eventually;
use journey::stage::Stage;
use journey::target::Emulator;
use serde_json::Value;

use super::DRAINED;
use super::talk::Talk;
use crate::files::content;

/// Waits until every reply, every copy and every file has come to its end.
pub(super) async fn finished(stage: &Stage, talks: &[Talk]) {
    for talk in talks {
        eventually(&format!("all of {} is finished on {}", talk.name, talk.ticket), DRAINED, async || {
            stage.tick().await;
            let events = stage.desk.events(&talk.ticket).await;
            let deliveries =
                replies(&events).flat_map(|event| [&event["delivery"], &event["copy"]["delivery"]]);
            let states = deliveries.chain(files(&events).map(|file| &file["state"]));
            let open =
                states.filter(|state| matches!(state.as_str(), Some("queued" | "sending" | "pending")));
            let open: Vec<_> = open.cloned().collect();
            if open.is_empty() { Ok(()) } else { Err(open) }
        })
        .await;
    }
}

/// Waits until no queue holds anything, and checks that nothing was given up.
pub(super) async fn drained(emulator: &Emulator) {
    let (letters, queues): (Vec<_>, Vec<_>) =
        emulator.queues().partition(|queue| queue.ends_with("DeadLetters"));
    eventually("the queues drain", DRAINED, async || {
        let mut left = Vec::new();
        for queue in &queues {
            left.push((queue, emulator.waiting(queue).await));
        }
        if left.iter().all(|(_, left)| *left == (0, 0)) { Ok(()) } else { Err(left) }
    })
    .await;
    for queue in letters {
        assert_eq!(emulator.waiting(queue).await, (0, 0), "{queue}");
    }
}

/// Checks one conversation when all is done, and returns how many of its replies and their copies are uncertain.
pub(super) async fn check(stage: &Stage, emulator: &Emulator, talk: &Talk) -> usize {
    let tickets = talk.place.tickets(stage).await;
    assert_eq!(tickets.len(), 1, "{tickets:#?}");
    let found = stage.desk.list(&format!("/contacts?query={}", talk.name)).await;
    let found: Vec<_> = found.iter().map(|contact| &contact["id"]).collect();
    assert_eq!(found, [&tickets[0]["contact"]], "{} is one contact, which is found", talk.name);

    let events = stage.desk.events(&talk.ticket).await;
    assert!(events.iter().all(|event| event["kind"] != "gap"), "{events:#?}");
    let said: Vec<_> = received(&events).map(|event| &event["content"]["text"]).collect();
    assert_eq!(said, talk.said.iter().collect::<Vec<_>>(), "each message once, and in order");
    let answered: Vec<_> = replies(&events).map(|event| &event["seq"]).collect();
    assert_eq!(
        answered,
        talk.replies.iter().map(|reply| &reply["seq"]).collect::<Vec<_>>(),
        "each reply once"
    );
    check_files(stage, talk, &events).await;

    let states = replies(&events).map(|event| (event, &event["delivery"]));
    let marked = check_sent(talk, states, &talk.place.arrived(emulator).await);
    let Some(copies) = talk.place.copies(emulator).await else { return marked };
    // Nobody knows whether the customer has what is uncertain, and it is not copied.
    let states = replies(&events).filter(|event| event["delivery"] != "uncertain");
    marked + check_sent(talk, states.map(|event| (event, &event["copy"]["delivery"])), &copies)
}

/// Checks that replies arrived as their states tell, in order, and nothing else did. Returns how many are uncertain.
fn check_sent<'a>(
    talk: &Talk,
    states: impl Iterator<Item = (&'a Value, &'a Value)>,
    sent: &[String],
) -> usize {
    let (mut marked, mut places) = (0, Vec::new());
    for (event, state) in states {
        let text = event["content"]["text"].as_str().unwrap_or_default();
        let times = sent.iter().filter(|sent| *sent == text).count();
        match state.as_str() {
            Some("sent" | "delivered") => assert_eq!(times, 1, "{text} of {}: {sent:?}", talk.name),
            Some("uncertain") => {
                assert!(times <= 1, "{text} of {}: {sent:?}", talk.name);
                marked += 1;
            }
            _ => panic!("{text} of {} is {state}: {event:#}", talk.name),
        }
        places.extend(sent.iter().position(|sent| sent == text));
    }
    assert!(places.is_sorted(), "replies left in another order: {sent:?}");
    assert_eq!(places.len(), sent.len(), "nothing else was sent: {sent:?}");
    marked
}

/// Checks that each file that was sent along is there once, with its bytes.
async fn check_files(stage: &Stage, talk: &Talk, events: &[Value]) {
    let found: Vec<_> = files(events).collect();
    assert_eq!(found.len(), talk.files.len(), "{found:#?}");
    for (file, sent) in found.into_iter().zip(&talk.files) {
        assert_eq!(file["state"], "stored", "a file of {} is lost: {file:#}", talk.name);
        let id = file["id"].as_str().expect("a file has an id");
        assert_eq!(content(&stage.desk, id).await, sent, "the file as it was sent");
    }
}

fn received(events: &[Value]) -> impl Iterator<Item = &Value> {
    events.iter().filter(|event| event["kind"] == "message_received")
}

fn replies(events: &[Value]) -> impl Iterator<Item = &Value> {
    events.iter().filter(|event| event.get("delivery").is_some())
}

fn files(events: &[Value]) -> impl Iterator<Item = &Value> {
    received(events).filter_map(|event| event["content"]["attachments"].as_array()).flatten()
}
