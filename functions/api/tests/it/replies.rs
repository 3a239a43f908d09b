//! Replies, and the settling of those whose delivery nobody knows.

use desk::channel::ThreadKey;
use desk::command::{Command, Request};
use desk::event::{Actor, DeliveryProblem};
use desk::ids::ReplyId;
use desk::reply::{Delivery, Reply};
use desk::ticket::Ticket;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::replies::put_reply;

use crate::stage::{Stage, text};

/// A reply that was written, as the sender would leave it.
async fn delivered(stage: &Stage, ticket: &Ticket, state: Delivery) -> Reply {
    written(stage, ticket, json!({"text": "Tomorrow."}), state).await
}

async fn written(stage: &Stage, ticket: &Ticket, body: Value, state: Delivery) -> Reply {
    let body = stage.post(&format!("/tickets/{}/replies", ticket.id), body).await.is(201);
    let id: ReplyId = body["id"].as_str().unwrap().parse().unwrap();
    let mut reply = stage.desk.reply(ticket.thread.as_ref().unwrap(), id).await.unwrap().unwrap();
    reply.state = state;
    reply.parts = vec!["501".to_owned()];
    reply.reason = Some("timeout".to_owned());
    stage.desk.save_reply(&mut reply).await.unwrap();
    let problem = DeliveryProblem {
        reply: id,
        reason: "timeout".to_owned(),
        detail: None,
        automatic: false,
        withdrawn: false,
    };
    let command = match state {
        Delivery::Uncertain => Command::DoubtReply(problem),
        Delivery::Failed => Command::FailReply(problem),
        _ => return reply,
    };
    stage.desk.execute(ticket.id, Request { actor: Actor::System, cause: None, command }).await.unwrap();
    reply
}

#[tokio::test]
async fn a_reply_is_queued_and_its_event_tells_how_far_it_came() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let path = format!("/tickets/{}", ticket.id);
    let reply =
        stage.post(&format!("{path}/replies"), json!({"text": "Tomorrow.", "reply_to": 2})).await.is(201);
    assert_eq!(reply["delivery"], "queued");
    assert_eq!(reply["ticket"], ticket.id.to_string());
    let id: ReplyId = reply["id"].as_str().unwrap().parse().unwrap();
    let mut stored = stage.desk.reply(ticket.thread.as_ref().unwrap(), id).await.unwrap().unwrap();
    assert_eq!(stored.content.text.as_deref(), Some("Tomorrow."));
    assert_eq!(stored.content.reply_to.as_deref(), Some("1"));
    assert_eq!(stored.content.sender_name, None);

    let events = stage.get(&format!("{path}/events")).await.is(200);
    let event = &events["items"][2];
    assert_eq!(event["kind"], "replied");
    assert_eq!(event["seq"], reply["seq"]);
    assert_eq!(event["delivery"], "queued");
    assert_eq!(event["content"]["text"], "Tomorrow.");
    assert_eq!(event["effects"]["status"], "waiting_customer");
    stored.state = Delivery::Failed;
    stored.reason = Some("blocked".to_owned());
    stage.desk.save_reply(&mut stored).await.unwrap();
    let events = stage.get(&format!("{path}/events")).await.is(200);
    assert_eq!(events["items"][2]["delivery"], "failed");
    assert_eq!(events["items"][2]["delivery_detail"]["reason"], "blocked");
    let shown = stage.get(&path).await.is(200);
    assert_eq!(shown["status"], "waiting_customer");
    assert_eq!(shown["sla"][0]["state"], "met");
}

#[tokio::test]
async fn a_reply_names_who_the_connection_says() {
    let stage = Stage::new().await;
    let team = stage.team("Sales").await;
    let agent = stage.post("/agents", json!({"name": "Ann"})).await.is(201);
    let scopes = json!(["tickets:read", "tickets:write"]);
    let token =
        stage.post("/tokens", json!({"name": "Ann's", "scopes": scopes, "agent": agent["id"]})).await.is(201);
    let token = token["token"].as_str().unwrap();
    for (setting, name) in [("brand", None), ("team", Some("Sales")), ("agent", Some("Ann"))] {
        let connection = stage.connection(json!({"sender_name": setting})).await;
        let ticket = stage.ticket(connection, "7", "1", text("?"), Some(team)).await;
        let path = format!("/tickets/{}/replies", ticket.id);
        let reply =
            stage.ask_as(token, axum::http::Method::POST, &path, Some(json!({"text": "!"}))).await.is(201);
        let id = reply["id"].as_str().unwrap().parse().unwrap();
        let stored = stage.desk.reply(ticket.thread.as_ref().unwrap(), id).await.unwrap().unwrap();
        assert_eq!(stored.content.sender_name.as_deref(), name, "{setting}");
        let events = stage.get(&format!("/tickets/{}/events", ticket.id)).await.is(200);
        assert_eq!(events["items"][2]["content"]["author"], "Ann");
        assert_eq!(events["items"][2]["actor"], json!({"type": "agent", "id": agent["id"]}));
    }
}

#[tokio::test]
async fn a_reply_that_cannot_be_is_refused() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let path = format!("/tickets/{}/replies", ticket.id);
    stage.post(&path, json!({})).await.is_problem(422, "empty_reply");
    stage.post(&path, json!({"text": " \n"})).await.is_problem(422, "empty_text");
    stage.post(&path, json!({"text": "я".repeat(16_385)})).await.is_problem(422, "text_too_long");
    stage.post(&path, json!({"text": "a", "reply_to": 99})).await.is_problem(422, "unknown_message");
    stage.post(&path, json!({"text": "a", "reply_to": "99"})).await.is_problem(422, "unknown_message");
    stage.post(&path, json!({"text": "a", "status": "new"})).await.is(201);
    stage.post(&path, json!({"text": "a", "status": "merged"})).await.is_problem(409, "invalid_transition");
    let problem =
        stage.post(&path, json!({"text": "a", "reply_to": {}})).await.is_problem(422, "invalid_body");
    assert!(problem["detail"].as_str().unwrap().contains("position of its event"), "{problem}");
    let far = stage.desk.now().checked_add(SignedDuration::from_hours(24 * 400)).unwrap();
    stage.post(&path, json!({"text": "a", "not_before": far})).await.is_problem(422, "too_far_ahead");
    let soon = stage.desk.now().checked_add(SignedDuration::from_hours(1)).unwrap();
    let later = stage.post(&path, json!({"text": "a", "not_before": soon})).await.is(201);
    assert_eq!(later["not_before"], json!(soon));
    let connection = stage.desk.connection_by_id(ticket.thread.unwrap().connection).await.unwrap().unwrap();
    stage.desk.delete_connection(&connection).await.unwrap();
    stage.post(&path, json!({"text": "a"})).await.is_problem(409, "connection_deleted");
}

#[tokio::test]
async fn nobody_is_answered_where_nobody_could_be_read() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let ticket = stage.ticket(connection, "unparsed", "1", text("?"), None).await;
    let path = format!("/tickets/{}/replies", ticket.id);
    stage.post(&path, json!({"text": "a"})).await.is_problem(409, "no_conversation");
}

#[tokio::test]
async fn an_uncertain_reply_did_arrive() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let reply = delivered(&stage, &ticket, Delivery::Uncertain).await;
    let path = format!("/tickets/{}/replies/{}/resolve", ticket.id, reply.id);
    assert_eq!(stage.post(&path, json!({"outcome": "arrived"})).await.is(200)["delivery"], "sent");
    stage.post(&path, json!({"outcome": "arrived"})).await.is_problem(409, "not_resolvable");
    stage.post(&path, json!({"outcome": "send_again"})).await.is_problem(409, "not_resolvable");
    stage.post(&path, json!({"outcome": "lost"})).await.is_problem(422, "invalid_body");
    let events = stage.all(&format!("/tickets/{}/events", ticket.id), 50).await;
    assert_eq!(events.last().unwrap()["kind"], "reply_confirmed");
    let stored = stage.desk.reply(&reply.thread, reply.id).await.unwrap().unwrap();
    assert!(stored.sent_at.is_some() && stored.due_at.is_none());
}

#[tokio::test]
async fn an_uncertain_solution_that_did_arrive_solves() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let body = json!({"text": "Tomorrow.", "status": "solved"});
    let reply = written(&stage, &ticket, body, Delivery::Uncertain).await;
    let path = format!("/tickets/{}", ticket.id);
    assert_eq!(stage.get(&path).await.is(200)["status"], "open", "nobody knows");
    let resolve = format!("{path}/replies/{}/resolve", reply.id);
    stage.post(&resolve, json!({"outcome": "arrived"})).await.is(200);
    assert_eq!(stage.get(&path).await.is(200)["status"], "solved");
}

#[tokio::test]
async fn what_follows_an_uncertain_part_is_still_sent() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let mut reply = delivered(&stage, &ticket, Delivery::Uncertain).await;
    reply.of = Some(3);
    stage.desk.save_reply(&mut reply).await.unwrap();
    let path = format!("/tickets/{}/replies/{}/resolve", ticket.id, reply.id);
    assert_eq!(stage.post(&path, json!({"outcome": "arrived"})).await.is(200)["delivery"], "queued");
    let stored = stage.desk.reply(&reply.thread, reply.id).await.unwrap().unwrap();
    assert_eq!(stored.parts, ["501", ""]);
    assert!(stored.sent_at.is_none() && stored.due_at.is_some_and(|due| due <= stage.desk.now()));
    let events = stage.all(&format!("/tickets/{}/events", ticket.id), 50).await;
    let detail = events.iter().find(|event| event["kind"] == "replied").unwrap();
    assert_eq!(detail["delivery_detail"]["messages"], json!(["501"]));
}

#[tokio::test]
async fn replies_of_one_moment_leave_in_the_order_of_their_events() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let thread = ticket.thread.as_ref().unwrap();
    stage.post(&format!("/tickets/{}/replies", ticket.id), json!({"text": "a"})).await.is(201);
    let first = stage.desk.unfinished_replies(thread, None).await.unwrap().remove(0);
    // Its request took its id before that of the first one did, and came later to the ticket.
    let second =
        Reply { id: "rep_00000000000000000000000000".parse().unwrap(), seq: first.seq + 1, ..first.clone() };
    stage.desk.table().write(vec![put_reply(&second).unwrap()]).await.unwrap();
    assert_eq!(stage.desk.unfinished_replies(thread, None).await.unwrap(), [first, second]);
}

#[tokio::test]
async fn what_is_still_queued_can_be_cancelled() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let path = format!("/tickets/{}", ticket.id);
    let soon = stage.desk.now().checked_add(SignedDuration::from_hours(1)).unwrap();
    let body = json!({"text": "a", "not_before": soon, "status": "solved"});
    let before = stage.get(&path).await.is(200);
    let reply = stage.post(&format!("{path}/replies"), body).await.is(201);
    let resolve = format!("{path}/replies/{}/resolve", reply["id"].as_str().unwrap());
    assert_eq!(stage.post(&resolve, json!({"outcome": "cancelled"})).await.is(200)["delivery"], "failed");
    stage.post(&resolve, json!({"outcome": "cancelled"})).await.is_problem(409, "not_resolvable");
    let thread = ticket.thread.as_ref().unwrap();
    let stored = stage.desk.reply(thread, reply["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(stored.unwrap().reason.as_deref(), Some("cancelled"));
    assert_eq!(stage.desk.unfinished_replies(thread, None).await.unwrap(), []);
    let shown = stage.get(&path).await.is(200);
    assert_eq!(shown["status"], "new", "nobody has answered");
    assert_eq!(shown["sla"], before["sla"], "and the clocks ran on");
    assert_eq!(shown["sla"][0]["state"], "running");
    stage.post(&resolve, json!({"outcome": "send_again"})).await.is(201);

    let sent = delivered(&stage, &ticket, Delivery::Sent).await;
    let resolve = format!("{path}/replies/{}/resolve", sent.id);
    stage.post(&resolve, json!({"outcome": "cancelled"})).await.is_problem(409, "not_resolvable");
}

#[tokio::test]
async fn a_reply_is_sent_again_once() {
    let stage = Stage::new().await;
    for (conversation, state) in [("1", Delivery::Uncertain), ("2", Delivery::Failed)] {
        let connection = stage.connection(json!({})).await;
        let ticket = stage.ticket(connection, conversation, "1", text("?"), None).await;
        let old = delivered(&stage, &ticket, state).await;
        let path = format!("/tickets/{}/replies/{}/resolve", ticket.id, old.id);
        if state == Delivery::Failed {
            stage.post(&path, json!({"outcome": "arrived"})).await.is_problem(409, "not_resolvable");
        }
        let new = stage.post(&path, json!({"outcome": "send_again"})).await.is(201);
        assert_ne!(new["id"], old.id.to_string());
        let replaced = stage.desk.reply(&old.thread, old.id).await.unwrap().unwrap();
        assert_eq!(replaced.state, Delivery::Failed);
        assert_eq!(replaced.reason.as_deref(), Some("replaced"));
        let id = new["id"].as_str().unwrap().parse().unwrap();
        let again = stage.desk.reply(&old.thread, id).await.unwrap().unwrap();
        assert_eq!(again.content, old.content);
        assert_eq!(again.parts, old.parts, "what arrived is not sent again");
        assert_eq!(again.state, Delivery::Queued);
        let events = stage.all(&format!("/tickets/{}/events", ticket.id), 50).await;
        assert_eq!(events.last().unwrap()["data"]["again"], old.id.to_string());
        stage.post(&path, json!({"outcome": "send_again"})).await.is_problem(409, "not_resolvable");
    }
    let ticket = stage.question().await;
    let fine = delivered(&stage, &ticket, Delivery::Sent).await;
    let path = format!("/tickets/{}/replies/{}/resolve", ticket.id, fine.id);
    stage.post(&path, json!({"outcome": "send_again"})).await.is_problem(409, "not_resolvable");
    let elsewhere = format!("/tickets/1/replies/{}/resolve", fine.id);
    stage.post(&elsewhere, json!({"outcome": "send_again"})).await.is_problem(404, "not_found");
}

/// A mail server takes a mail and reports later that it could not deliver it.
#[tokio::test]
async fn what_came_back_is_sent_again_as_a_whole() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let mut old = delivered(&stage, &ticket, Delivery::Failed).await;
    old.parts = vec!["<1@mail.example>".to_owned()];
    old.of = Some(1);
    stage.desk.save_reply(&mut old).await.unwrap();
    let path = format!("/tickets/{}/replies/{}/resolve", ticket.id, old.id);
    let new = stage.post(&path, json!({"outcome": "send_again"})).await.is(201);
    let id = new["id"].as_str().unwrap().parse().unwrap();
    let again = stage.desk.reply(&old.thread, id).await.unwrap().unwrap();
    assert_eq!((again.state, again.parts), (Delivery::Queued, Vec::new()));
}

#[tokio::test]
async fn an_answer_refers_to_messages_of_its_own_topic() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let here = stage.ticket(connection, "-100:7", "1", text("?"), None).await;
    let there = stage.ticket(connection, "-100:8", "2", text("?"), None).await;
    // As the router and the sender put them: under the chat that numbers the messages of its topics.
    let mut writes = Vec::new();
    for (ticket, message) in [(&here, "501"), (&there, "502")] {
        let topic = ticket.thread.as_ref().unwrap();
        let chat = ThreadKey { conversation: "-100".to_owned(), ..topic.clone() };
        writes.push(store::messages::put_platform_message(&chat, topic, message, ticket.id, 2).unwrap());
    }
    stage.desk.table().write(writes).await.unwrap();
    let path = format!("/tickets/{}/replies", here.id);
    stage.post(&path, json!({"text": "a", "reply_to": "501"})).await.is(201);
    stage.post(&path, json!({"text": "a", "reply_to": "502"})).await.is_problem(422, "unknown_message");
}

#[tokio::test]
async fn an_answer_refers_to_one_from_before_its_group_moved() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let ticket = stage.ticket(connection, "-100", "1", text("?"), None).await;
    let thread = ticket.thread.clone().unwrap();
    stage.desk.move_thread(&thread, "-1001").await.unwrap();
    let moved = ThreadKey { conversation: "-1001".to_owned(), ..thread.clone() };
    let write = store::messages::put_platform_message(&moved, &thread, "77", ticket.id, 2).unwrap();
    stage.desk.table().write(vec![write]).await.unwrap();
    let path = format!("/tickets/{}/replies", ticket.id);
    stage.post(&path, json!({"text": "a", "reply_to": "77"})).await.is(201);
}
