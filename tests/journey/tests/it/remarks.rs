//! Everything that customers do besides writing.

use journey::desk::SOON;
use journey::eventually;
use journey::stage::Stage;
use journey::telegram::Delivered;
use serde_json::{Value, json};

pub(crate) async fn edits_and_reactions(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "My order is 1042").await;
    let message = stage.desk.events_of(&ticket, "message_received").await[0]["data"]["message"].clone();
    let message: i64 = message.as_str().and_then(|id| id.parse().ok()).expect("Telegram's id");

    line.bot.deliver(&anna.edit(message, "My order is 1024")).await;
    let edited = |event: &Value| event["kind"] == "message_edited";
    let event = stage.desk.await_event(&ticket, "the edit is noted", edited).await;
    assert_eq!(event["data"]["message"], message.to_string());
    assert_eq!(event["content"]["text"], "My order is 1024");

    let reply = stage.desk.reply(&ticket, "Found it").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let answer = line.bot.sent(anna.chat())[0].id;
    let reaction = anna.react(answer, Some("👍"));
    assert_ne!(line.bot.deliver(&reaction).await, Delivered::NotWanted, "the desk asks for reactions");
    let reacted = |event: &Value| event["kind"] == "reacted";
    let event = stage.desk.await_event(&ticket, "the reaction is noted", reacted).await;
    assert_eq!(event["content"]["emoji"], json!(["👍"]));
    assert_eq!(stage.desk.ticket(&ticket).await["status"], "waiting_customer", "a reaction asks nothing");

    line.bot.deliver(&anna.answer(answer, "Thank you")).await;
    let answer = answer.to_string();
    let answered = |event: &Value| event["content"]["reply_to"]["message"] == answer.as_str();
    stage.desk.await_event(&ticket, "the answer refers to the reply", answered).await;
}

pub(crate) async fn button(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    let reply = stage.desk.reply(&ticket, "Shall we send it again?").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let press = anna.press(line.bot.sent(anna.chat())[0].id, "again:yes");
    line.bot.deliver(&press).await;
    eventually("the press is acknowledged", SOON, async || {
        if line.bot.acknowledged(&press) { Ok(()) } else { Err(line.bot.calls("answerCallbackQuery")) }
    })
    .await;
    let event = &stage.desk.events_of(&ticket, "button_pressed").await[0];
    assert_eq!(event["content"]["payload"], "again:yes");
    assert_eq!(stage.desk.ticket(&ticket).await["status"], "open", "a press asks for an answer");
}

pub(crate) async fn start(stage: &Stage) {
    let line = stage.connect(json!({"greeting": "Welcome!"})).await;
    let anna = line.bot.customer("Anna");
    let start = anna.start(Some("order_1024"));
    line.bot.deliver(&start).await;
    line.bot.deliver(&start).await;
    let ticket = stage.ticket_of(&line, &anna).await;
    let event = &stage.desk.events_of(&ticket, "message_received").await[0];
    assert_eq!((&event["content"]["payload"], &event["data"]["asks"]), (&json!("order_1024"), &json!(false)));
    let greeted = |event: &Value| event["kind"] == "replied" && event["delivery"] == "sent";
    stage.desk.await_event(&ticket, "the greeting is sent", greeted).await;
    anna.says("Hello").await;
    stage.received(&ticket, 2).await;
    assert_eq!(line.bot.texts(anna.chat()), ["Welcome!"], "a repeated /start greets once");
    assert_eq!(stage.desk.ticket(&ticket).await["status"], "new");
}

pub(crate) async fn blocking(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    for (blocked, count) in [(true, 1), (false, 2)] {
        line.bot.deliver(&anna.block(blocked)).await;
        let events = eventually("the change is noted", SOON, async || {
            let events = stage.desk.events_of(&ticket, "reachability_changed").await;
            if events.len() == count { Ok(events) } else { Err(events) }
        })
        .await;
        assert_eq!(events[count - 1]["data"]["reachable"], !blocked);
    }
}

pub(crate) async fn groups(stage: &Stage) {
    let deaf = stage.connect(json!({})).await;
    let open = stage.connect(json!({"groups": true})).await;
    let ignored = deaf.bot.group("Fishing club");
    ignored.says("Nobody asked the desk").await;
    let heard = open.bot.group("Wholesale");
    heard.says("We asked").await;
    stage.ticket_of(&open, &heard).await;
    // A private message through the same connection shows that the group's has been worked on.
    stage.asked(&deaf, "Anna", "Hello?").await;
    assert_eq!(stage.tickets_of(&deaf, &ignored).await, Vec::<Value>::new());
}

pub(crate) async fn topics(stage: &Stage) {
    let line = stage.connect(json!({"groups": true})).await;
    let group = line.bot.group("Wholesale");
    group.says("To everybody").await;
    let general = stage.ticket_of(&line, &group).await;
    let fields = json!({"text": "In a topic", "message_thread_id": 12, "is_topic_message": true});
    line.bot.deliver(&group.message(Some("In a topic"), fields)).await;
    let topic = format!("{}:12", group.chat());
    let ticket = eventually("the topic has a ticket of its own", SOON, async || {
        let tickets = stage.tickets_in(&line, &topic).await;
        tickets.first().and_then(|ticket| ticket["id"].as_str()).map(str::to_owned).ok_or(tickets)
    })
    .await;
    let reply = stage.desk.reply(&ticket, "Here is the answer").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let answer = line.bot.sent(group.chat()).last().expect("the answer stands there").id;
    line.bot.deliver(&group.react(answer, Some("👍"))).await;
    let reacted = |event: &Value| event["kind"] == "reacted";
    stage.desk.await_event(&ticket, "the reaction stands in the topic", reacted).await;
    assert_eq!(stage.desk.events_of(&general, "reacted").await, Vec::<Value>::new());
}

pub(crate) async fn cards_and_places(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let (anna, ticket) = stage.asked(&line, "Anna", "Bring it here").await;
    line.bot.deliver(&anna.location(52.52, 13.405)).await;
    line.bot.deliver(&anna.contact("+491701234567", true)).await;
    line.bot.deliver(&anna.message(None, json!({"paid_media": {"star_count": 1, "paid_media": []}}))).await;
    stage.received(&ticket, 4).await;
    let events = stage.desk.events_of(&ticket, "message_received").await;
    assert_eq!(events[1]["content"]["location"]["latitude"], 52.52);
    assert_eq!(events[2]["content"]["card"]["phone"], "+491701234567");
    assert_eq!(events[2]["content"]["card"]["own"], true);
    let contact = stage.desk.ticket(&ticket).await["contact"].clone();
    let contact = stage.desk.get(&format!("/contacts/{}", contact.as_str().expect("a contact"))).await;
    let phone = json!({"kind": "phone", "address": "+491701234567", "verified": true});
    assert_eq!(contact["identities"][1], phone, "{contact:#}");
    assert_eq!(events[3]["content"]["unsupported"], "paid_media");
    assert!(events[3]["content"]["raw"].is_object(), "the original is kept: {:#}", events[3]);
}
