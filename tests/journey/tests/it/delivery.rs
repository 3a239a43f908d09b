//! Replies on their way to a platform that misbehaves.

use journey::desk::SOON;
use journey::eventually;
use journey::stage::Stage;
use journey::telegram::Fault;
use serde_json::{Value, json};

use crate::clock_state;

pub(crate) async fn throttled(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    line.bot.fail("sendMessage", Some(anna.chat()), Fault::TooManyRequests(2));
    let first = stage.desk.reply(&ticket, "One").await;
    let second = stage.desk.reply(&ticket, "Two").await;
    let done = stage.desk.await_delivery(&ticket, &first, "sent").await;
    stage.desk.await_delivery(&ticket, &second, "sent").await;
    assert_eq!(line.bot.texts(anna.chat()), ["One", "Two"], "nothing overtakes a throttled reply");
    assert_eq!(done["delivery_detail"]["attempts"], 2);
    assert_eq!(line.bot.faults_left(), 0);
}

pub(crate) async fn scheduled(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    let not_before = journey::now().checked_add(jiff::SignedDuration::from_secs(3)).expect("a time");
    let later = json!({"text": "Later", "not_before": not_before});
    let later = stage.desk.post(&format!("/tickets/{ticket}/replies"), &later).await;
    let waiting = stage.desk.ticket(&ticket).await;
    if journey::now() < not_before {
        assert_eq!(
            (&waiting["status"], clock_state(&waiting, "first_response")),
            (&json!("new"), json!("running"))
        );
    }
    let done = stage.desk.await_delivery(&ticket, &later, "sent").await;
    let answered = stage.desk.ticket(&ticket).await;
    let first = clock_state(&answered, "first_response");
    assert_eq!((&answered["status"], first), (&json!("waiting_customer"), json!("met")));
    let sent_at = done["delivery_detail"]["sent_at"].as_str().expect("when it was sent");
    let sent_at: jiff::Timestamp = sent_at.parse().expect("a time");
    assert!(sent_at >= not_before, "{sent_at} is before {not_before}");
    assert_eq!(line.bot.texts(anna.chat()), ["Later"]);
}

pub(crate) async fn server_errors(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    line.bot.fail("sendMessage", Some(anna.chat()), Fault::Internal);
    line.bot.fail("sendMessage", Some(anna.chat()), Fault::BadGateway);
    let reply = stage.desk.reply(&ticket, "One").await;
    let done = stage.desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(line.bot.texts(anna.chat()), ["One"]);
    assert_eq!(done["delivery_detail"]["attempts"], 3);
}

pub(crate) async fn unanswered(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    line.bot.fail("sendMessage", Some(anna.chat()), Fault::Hang);
    let lost = desk.reply(&ticket, "Lost?").await;
    let next = desk.reply(&ticket, "Next").await;
    desk.await_delivery(&ticket, &lost, "uncertain").await;
    // One uncertain reply does not keep the others waiting.
    desk.await_delivery(&ticket, &next, "sent").await;
    assert_eq!(line.bot.texts(anna.chat()), ["Next"]);
    let doubt = &desk.events_of(&ticket, "reply_uncertain").await[0];
    assert_eq!((&doubt["data"]["reply"], &doubt["data"]["reason"]), (&lost["id"], &json!("timeout")));

    let path = format!("/tickets/{ticket}/replies/{}/resolve", lost["id"].as_str().expect("an id"));
    let again = desk.post(&path, &json!({"outcome": "send_again"})).await;
    desk.await_delivery(&ticket, &again, "sent").await;
    assert_eq!(line.bot.texts(anna.chat()), ["Next", "Lost?"]);
    let answer = desk.ask(http::Method::POST, &path, Some(&json!({"outcome": "send_again"})), &[]).await;
    assert_eq!(answer.status, 409, "it is sent again once only: {:#}", answer.body);
}

pub(crate) async fn broken(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    line.bot.fail("sendMessage", Some(anna.chat()), Fault::ResetAfterAccepting);
    let reply = desk.reply(&ticket, "It did arrive").await;
    desk.await_delivery(&ticket, &reply, "uncertain").await;
    desk.await_ticket(&ticket, "the ticket is open again", |ticket| ticket["status"] == "open").await;
    stage.tick().await;
    assert_eq!(line.bot.texts(anna.chat()), ["It did arrive"]);

    let path = format!("/tickets/{ticket}/replies/{}/resolve", reply["id"].as_str().expect("an id"));
    desk.post(&path, &json!({"outcome": "arrived"})).await;
    desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(desk.events_of(&ticket, "reply_confirmed").await.len(), 1);
    // Whatever is still on its way in the desk is over once a later reply has been sent.
    let next = desk.reply(&ticket, "Later").await;
    desk.await_delivery(&ticket, &next, "sent").await;
    assert_eq!(line.bot.texts(anna.chat()), ["It did arrive", "Later"]);
    assert_eq!(line.bot.calls("sendMessage").len(), 2);
}

pub(crate) async fn blocked(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    // The update about it is still on its way.
    let _ = anna.block(true);
    let reply = desk.reply(&ticket, "Are you there?").await;
    let failed = desk.await_delivery(&ticket, &reply, "failed").await;
    assert_eq!(failed["delivery_detail"]["reason"], "blocked");
    let seen =
        desk.await_ticket(&ticket, "the ticket is open again", |ticket| ticket["status"] == "open").await;
    assert!(seen["waiting_since"].is_string(), "somebody still waits: {seen:#}");
    let event = &desk.events_of(&ticket, "reply_failed").await[0];
    assert_eq!((&event["data"]["reply"], &event["data"]["reason"]), (&reply["id"], &json!("blocked")));
    assert!(line.bot.sent(anna.chat()).is_empty());

    line.bot.deliver(&anna.block(false)).await;
    let path = format!("/tickets/{ticket}/replies/{}/resolve", reply["id"].as_str().expect("an id"));
    let again = desk.post(&path, &json!({"outcome": "send_again"})).await;
    desk.await_delivery(&ticket, &again, "sent").await;
    assert_eq!(line.bot.texts(anna.chat()), ["Are you there?"]);
}

pub(crate) async fn moved(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({"groups": true})).await;
    let group = line.bot.group("Wholesale");
    group.says("Do you deliver to us?").await;
    let ticket = stage.ticket_of(&line, &group).await;
    let new_id = group.migrate();
    let reply = desk.reply(&ticket, "We do").await;
    desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(line.bot.texts(new_id), ["We do"]);
    assert!(line.bot.sent(group.chat()).is_empty());

    let group = group.in_chat(new_id);
    group.says("Great").await;
    let texts = stage.received(&ticket, 2).await;
    assert_eq!(texts, ["Do you deliver to us?", "Great"]);
    let reply = desk.reply(&ticket, "When?").await;
    desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(line.bot.texts(new_id), ["We do", "When?"]);
    let tickets = desk.list("/tickets?channel=telegram").await;
    let ours = tickets.iter().filter(|ticket| ticket["connection"] == line.id).count();
    assert_eq!(ours, 1, "a moved group is still one conversation");
}

pub(crate) async fn revoked(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    let (boris, other) = stage.asked(&line, "Boris", "Hello?").await;
    let token = line.bot.revoke_token();
    let first = desk.reply(&ticket, "One").await;
    let connection = |what: &'static str, state: &'static str| {
        let path = format!("/connections/{}", line.id);
        async move {
            eventually(what, SOON, async || {
                let connection = desk.get(&path).await;
                if connection["health"]["state"] == state { Ok(connection) } else { Err(connection) }
            })
            .await
        }
    };
    let seen = connection("the connection is seen to be broken", "broken").await;
    assert!(seen["health"]["reason"].is_string(), "{seen:#}");
    let second = desk.reply(&ticket, "Two").await;
    let third = desk.reply(&other, "Three").await;
    // The second one waits behind the first, and is not held itself.
    for (ticket, reply) in [(&ticket, &first), (&other, &third)] {
        let held = |event: &Value| event["seq"] == reply["seq"] && event["delivery_detail"]["held"] == true;
        let event = desk.await_event(ticket, "the reply waits for its connection", held).await;
        assert_eq!(event["delivery"], "queued");
    }
    desk.await_delivery(&ticket, &second, "queued").await;
    assert!(line.bot.sent(anna.chat()).is_empty());

    desk.patch(&format!("/connections/{}", line.id), &json!({"settings": {"token": token}})).await;
    connection("the connection is mended", "ok").await;
    eventually("the held replies go on", SOON, async || {
        stage.tick().await;
        let texts = (line.bot.texts(anna.chat()), line.bot.texts(boris.chat()));
        if texts.0.len() == 2 && texts.1.len() == 1 { Ok(()) } else { Err(texts) }
    })
    .await;
    assert_eq!(line.bot.texts(anna.chat()), ["One", "Two"]);
    assert_eq!(line.bot.texts(boris.chat()), ["Three"]);
}
