//! One message that cannot be processed: it is put aside, seen, and sent again; the others go on.

use std::time::Duration;

use http::Method;
use journey::eventually;
use journey::mail::Letter;
use journey::stage::{Line, Stage, Target};
use journey::target::{Emulator, Turn};
use journey::telegram::Fault;
use serde_json::{Value, json};

/// How long it takes until a message has been tried as often as it may.
const LOCALLY: Duration = Duration::from_secs(100);
/// As above, where each try hides the message for a minute.
const DEPLOYED: Duration = Duration::from_secs(400);
/// More failures than there are tries.
const FAILURES: usize = 8;
/// The queue of what is done beside: files, presses, the search.
const WORK: &str = "work";

async fn letters(stage: &Stage, queue: &str) -> Vec<Value> {
    stage.desk.list(&format!("/dead-letters?queue={queue}")).await
}

pub(crate) async fn seen_and_sent_again(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    match &stage.target {
        Target::Local(_) => work(stage, &line).await,
        Target::Emulator(emulator) => inbound(stage, &line, emulator).await,
    }
}

/// Nothing but the platform's errors makes work fail for good: here, that of acknowledging a button.
async fn work(stage: &Stage, line: &Line) {
    let (anna, ticket) = stage.asked(line, "Anna", "Hello?").await;
    let reply = stage.desk.reply(&ticket, "Press it").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    for _ in 0..FAILURES {
        line.bot.fail("answerCallbackQuery", None, Fault::Internal);
    }
    let press = anna.press(line.bot.sent(anna.chat())[0].id, "yes");
    line.bot.deliver(&press).await;
    // Others go on meanwhile.
    let (boris, other) = stage.asked(line, "Boris", "And I?").await;
    let reply = stage.desk.reply(&other, "You, too").await;
    stage.desk.await_delivery(&other, &reply, "sent").await;
    assert_eq!(line.bot.texts(boris.chat()), ["You, too"]);

    let letter = eventually("the work is a dead letter", LOCALLY, async || {
        let letters = letters(stage, WORK).await;
        if letters.len() == 1 { Ok(letters[0].clone()) } else { Err(letters) }
    })
    .await;
    assert!(!line.bot.acknowledged(&press));
    while line.bot.faults_left() > 0 {
        // What did not strike must not strike the repetition.
        let url = format!("{}/bot{}/answerCallbackQuery", stage.telegram.url(), line.bot.token());
        line.bot.post(&url, None, "{}").await;
    }
    let id = letter["id"].as_str().expect("a letter has an id");
    let shown = stage.desk.get(&format!("/dead-letters/{WORK}/{id}")).await;
    assert!(shown.to_string().contains("acknowledge"), "{shown:#}");
    let done = stage.desk.post(&format!("/dead-letters/{WORK}/redrive"), &json!({"id": id})).await;
    assert_eq!(done["redriven"], 1);
    eventually("the press is acknowledged after all", LOCALLY, async || {
        if line.bot.acknowledged(&press) { Ok(()) } else { Err(line.bot.calls("answerCallbackQuery").len()) }
    })
    .await;
    assert_eq!(letters(stage, WORK).await, Vec::<Value>::new());
}

/// A body that is no envelope, in the group of a conversation.
async fn inbound(stage: &Stage, line: &Line, emulator: &Emulator) {
    let (anna, ticket) = stage.asked(line, "Anna", "Before").await;
    let (boris, other) = stage.asked(line, "Boris", "Before").await;
    let group = format!("telegram#{}#{}", line.id, anna.chat());
    emulator.enqueue("InboundQueue", Some(&group), "this is no envelope").await;
    anna.says("Behind the poison").await;
    boris.says("In another conversation").await;
    assert_eq!(stage.received(&other, 2).await, ["Before", "In another conversation"]);

    let of_ours = |letter: &Value| letter["group"] == group;
    let letter = eventually("the poison is a dead letter", DEPLOYED, async || {
        let letters = letters(stage, "inbound").await;
        letters.iter().find(|letter| of_ours(letter)).cloned().ok_or(letters)
    })
    .await;
    assert_eq!(stage.received(&ticket, 2).await, ["Before", "Behind the poison"], "the conversation goes on");
    let gaps = stage.desk.events_of(&ticket, "gap").await;
    assert_eq!(gaps.len(), 1, "the loss is seen where it hurts");

    let id = letter["id"].as_str().expect("a letter has an id");
    let done = stage.desk.post("/dead-letters/inbound/redrive", &json!({"id": id})).await;
    assert_eq!(done["redriven"], 1);
}

mod emulator {
    use super::*;

    /// A mail that Lambda gave up is handed to its receiver again.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_mail_that_was_given_up_is_sent_again() {
        if !crate::runs("emulator") {
            return;
        }
        let stage = Stage::emulator(Turn::Shared).await;
        let Target::Emulator(ses) = &stage.target else { panic!("this is about the deployed desk") };
        let address = "given-up@ses.example";
        let new = json!({"channel": "email", "name": "Support", "settings": {"address": address}});
        let created = stage.desk.post("/connections", &new).await;
        let mail = Letter::new("Ann Lee <ann@example.org>", address, "Broken lamp", "It does not shine.");
        ses.give_up_mail("given-up", mail.bytes(), address).await;
        let letter = eventually("the mail is a dead letter", LOCALLY, async || {
            letters(&stage, "email").await.pop().ok_or("there is none")
        })
        .await;
        let done = stage.desk.post("/dead-letters/email/redrive", &json!({"id": letter["id"]})).await;
        assert_eq!(done, json!({"redriven": 1}));
        let ticket = eventually("the mail is on a ticket", LOCALLY, async || {
            let tickets = stage.desk.list("/tickets?channel=email").await;
            let ours = tickets.into_iter().find(|ticket| ticket["connection"] == created["id"]);
            ours.ok_or("there is none")
        })
        .await;
        let id = ticket["id"].as_str().expect("a ticket has an id");
        assert_eq!(stage.received(id, 1).await, ["It does not shine."]);
        assert_eq!(letters(&stage, "email").await, Vec::<Value>::new());
    }

    /// Waits for the letter of a queue with such a body. Its id.
    async fn letter_of(stage: &Stage, queue: &str, right: impl Fn(&Value) -> bool) -> String {
        eventually("there is such a letter", LOCALLY, async || {
            let mut seen = Vec::new();
            for letter in letters(stage, queue).await {
                let id = letter["id"].as_str().expect("a letter has an id").to_owned();
                let shown =
                    stage.desk.ask(Method::GET, &format!("/dead-letters/{queue}/{id}"), None, &[]).await;
                if right(&shown.body) {
                    return Ok(id);
                }
                seen.push(shown.body);
            }
            Err(seen)
        })
        .await
    }

    /// What was to be sent and what was to be done is sent again, and is done once.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn letters_of_other_queues_are_sent_again() {
        if !crate::runs("emulator") {
            return;
        }
        let stage = Stage::emulator(Turn::Shared).await;
        let Target::Emulator(emulator) = &stage.target else { panic!("this is about the deployed desk") };
        let line = stage.connect(json!({})).await;
        let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
        let reply = stage.desk.reply(&ticket, "Hello!").await;
        stage.desk.await_delivery(&ticket, &reply, "sent").await;
        let chat = anna.chat().to_string();
        let thread = json!({"channel": "telegram", "connection": line.id, "conversation": chat});
        let send = json!({"thread": thread, "reply": reply["id"]}).to_string();
        emulator.enqueue("OutboundDeadLetters", Some(&format!("telegram#{}#{chat}", line.id)), &send).await;
        let work = json!({"do": "fetch_files", "ticket": ticket, "seq": 1}).to_string();
        emulator.enqueue("WorkDeadLetters", None, &work).await;
        for (queue, body) in [("outbound", send), ("work", work)] {
            let id = letter_of(&stage, queue, |letter| letter["body"] == body).await;
            let done = stage.desk.post(&format!("/dead-letters/{queue}/redrive"), &json!({"id": id})).await;
            assert_eq!(done, json!({"redriven": 1}));
            let left = letters(&stage, queue).await;
            assert!(left.iter().all(|letter| letter["id"] != id), "{left:#?}");
        }
        let last = stage.desk.reply(&ticket, "Anything else?").await;
        stage.desk.await_delivery(&ticket, &last, "sent").await;
        assert_eq!(line.bot.texts(anna.chat()), ["Hello!", "Anything else?"]);
    }

    /// What cannot be sent again can be looked at.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn letters_that_lead_nowhere_are_seen() {
        if !crate::runs("emulator") {
            return;
        }
        let stage = Stage::emulator(Turn::Shared).await;
        let Target::Emulator(emulator) = &stage.target else { panic!("this is about the deployed desk") };
        let named = json!({"v": 1, "object": "inbound/gone"}).to_string();
        emulator.enqueue("InboundDeadLetters", Some("gone"), &named).await;
        let gone = |letter: &Value| letter["body"] == named && letter["content"] == Value::Null;
        letter_of(&stage, "inbound", gone).await;

        // An event that nobody understands, of a ticket that is none.
        let nowhere = "T#tkt_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let item = json!({"pk": {"S": nowhere}, "sk": {"S": "E#0000000001"}, "kind": {"S": "riddle"}});
        emulator.put_item(item).await;
        let id = letter_of(&stage, "relay", |letter| letter["body"].to_string().contains(nowhere)).await;
        let redrive = json!({"id": id});
        let refused = stage.desk.ask(Method::POST, "/dead-letters/relay/redrive", Some(&redrive), &[]).await;
        assert_eq!((refused.status, &refused.body["code"]), (409, &json!("not_redrivable")));
    }
}
