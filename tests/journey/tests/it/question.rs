//! From a question to its solution, and what comes after it.

use journey::desk::SOON;
use journey::eventually;
use journey::stage::Stage;
use serde_json::{Value, json};

use crate::{clock, clock_state};

pub(crate) async fn to_solution(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let (anna, id) = stage.asked(&line, "Anna", "Where is my parcel?").await;

    let ticket = desk.ticket(&id).await;
    assert_eq!(ticket["status"], "new");
    assert_eq!(ticket["channel"], "telegram");
    assert_eq!(ticket["subject"], "Where is my parcel?");
    assert_eq!(ticket["follow_up_of"], Value::Null);
    assert_eq!(clock_state(&ticket, "first_response"), "running");
    assert!(
        clock(&ticket, "first_response").is_some_and(|clock| clock["deadline"].is_string()),
        "{ticket:#}"
    );
    let number = ticket["number"].as_u64().expect("a number for people");
    assert_eq!(desk.ticket(&number.to_string()).await["id"], ticket["id"]);
    let contact = ticket["contact"].as_str().expect("a contact");
    assert_eq!(desk.get(&format!("/contacts/{contact}")).await["name"], "Anna");
    assert_eq!(desk.list(&format!("/contacts/{contact}/tickets")).await.len(), 1);
    eventually("the contact is found by a name", SOON, async || {
        let found = desk.list("/contacts?query=ann").await;
        if found.iter().any(|found| found["id"] == contact) { Ok(()) } else { Err(found) }
    })
    .await;
    // She calls, too.
    let call = desk.post("/tickets", &json!({"contact": contact, "subject": "An invoice"})).await;
    assert!(call["number"].as_u64() > Some(number), "{call:#}");
    assert_eq!(desk.list(&format!("/contacts/{contact}/tickets")).await.len(), 2);

    let reply = desk.reply(&id, "It arrives tomorrow.").await;
    let event = desk.await_delivery(&id, &reply, "sent").await;
    assert_eq!(event["content"]["text"], "It arrives tomorrow.");
    assert_eq!(line.bot.texts(anna.chat()), ["It arrives tomorrow."]);
    let ticket = desk.ticket(&id).await;
    assert_eq!(ticket["status"], "waiting_customer");
    assert_eq!(clock_state(&ticket, "first_response"), "met");
    assert!(ticket["first_reply_at"].is_string());

    anna.says("At what time?").await;
    let ticket =
        desk.await_ticket(&id, "the second question opens", |ticket| ticket["status"] == "open").await;
    assert_eq!(clock_state(&ticket, "next_response"), "running");
    assert_eq!(stage.texts_received(&id).await, ["Where is my parcel?", "At what time?"]);

    desk.post(&format!("/tickets/{id}/notes"), &json!({"text": "The driver said noon."})).await;
    assert_eq!(desk.events_of(&id, "note_added").await[0]["content"]["text"], "The driver said noon.");
    let reply = desk.reply(&id, "Around noon.").await;
    desk.await_delivery(&id, &reply, "sent").await;

    let stale = ticket["revision"].as_u64().expect("a revision").to_string();
    let solve = json!({"status": "solved"});
    let path = format!("/tickets/{id}");
    let answer =
        desk.ask(http::Method::PATCH, &path, Some(&solve), &[("if-match", &format!("\"{stale}\""))]).await;
    assert_eq!((answer.status, &answer.body["code"]), (412, &json!("stale")));
    assert_eq!(desk.patch(&path, &solve).await["status"], "solved");

    let texts = line.bot.texts(anna.chat());
    assert_eq!(texts, ["It arrives tomorrow.", "Around noon."], "a note is for the team alone");
    let seqs: Vec<_> = desk.events(&id).await.iter().map(|event| event["seq"].as_u64()).collect();
    let wanted: Vec<_> = (1..=seqs.len() as u64).map(Some).collect();
    assert_eq!(seqs, wanted, "events are numbered without gaps");
}

pub(crate) async fn reopens_and_follows_up(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let (anna, first) = stage.asked(&line, "Anna", "It does not work").await;
    let path = format!("/tickets/{first}");

    desk.patch(&path, &json!({"status": "solved"})).await;
    anna.says("Still broken").await;
    desk.await_ticket(&first, "a message in the window reopens", |ticket| ticket["status"] == "open").await;

    let usual = desk.get("/settings").await["reopen_seconds"].clone();
    desk.put("/settings", &json!({"reopen_seconds": 1})).await;
    desk.patch(&path, &json!({"status": "solved"})).await;
    stage.tick_until(&first, "the window ends", |ticket| ticket["status"] == "closed").await;
    anna.says("Broken again").await;
    let ticket = eventually("a linked ticket is opened", SOON, async || {
        let tickets = stage.tickets_of(&line, &anna).await;
        if tickets.len() == 2 { Ok(tickets[1].clone()) } else { Err(tickets) }
    })
    .await;
    let second = ticket["id"].as_str().expect("a ticket has an id");
    assert_eq!(desk.ticket(second).await["follow_up_of"], first);
    assert_eq!(desk.ticket(second).await["status"], "new");
    let linked = |ticket: &Value| ticket["followed_up_by"] == second;
    assert_eq!(
        desk.await_ticket(&first, "the old ticket links the new one", linked).await["status"],
        "closed"
    );
    assert_eq!(stage.texts_received(second).await, ["Broken again"]);
    assert_eq!(stage.texts_received(&first).await, ["It does not work", "Still broken"]);
    desk.put("/settings", &json!({"reopen_seconds": usual})).await;
}
