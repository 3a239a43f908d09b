//! Service levels: deadlines that warn, break, pause, are met, and follow what changes.

use std::time::Duration;

use journey::desk::SOON;
use journey::eventually;
use journey::stage::{Line, Stage};
use journey::telegram::Customer;
use serde_json::{Value, json};

use crate::{clock, clock_state};

/// How long the clock's own schedule may take to come round: a minute where it is deployed, and some patience.
const SCHEDULE: Duration = Duration::from_secs(150);

/// A policy around the clock, before all others.
fn promise(name: &str, priority: &str, seconds: u64) -> Value {
    json!({
        "name": name, "position": 0, "conditions": {"channels": ["telegram"], "priorities": [priority]},
        "first_response": seconds, "next_response": seconds, "warn_percent": 50,
    })
}

/// Makes a policy.
async fn policy(stage: &Stage, name: &str, priority: &str, seconds: u64) -> Value {
    stage.desk.post("/sla-policies", &promise(name, priority, seconds)).await
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("it has an id")
}

/// Has a new customer ask until the ticket is measured by a policy: processes trust settings for some seconds.
async fn asked_under(stage: &Stage, line: &Line, policy: &Value) -> (Customer, String) {
    eventually("new tickets are measured by the new policy", SOON, async || {
        let (customer, ticket) = stage.asked(line, "Anna", "Hello?").await;
        let seen = stage.desk.ticket(&ticket).await;
        match clock(&seen, "first_response") {
            Some(clock) if clock["policy"] == policy["id"] => Ok((customer, ticket)),
            _ => Err(seen),
        }
    })
    .await
}

async fn remove(stage: &Stage, policies: &[&Value]) {
    for policy in policies {
        stage.desk.delete(&format!("/sla-policies/{}", id(policy))).await;
    }
}

/// What the clocks did, as the events tell: `metric:change`, in order.
async fn changes(stage: &Stage, ticket: &str) -> Vec<String> {
    let events = stage.desk.events(ticket).await;
    let changes = events.iter().filter_map(|event| event["effects"]["sla"].as_array()).flatten();
    changes
        .map(|change| {
            format!(
                "{}:{}",
                change["metric"].as_str().unwrap_or("?"),
                change["change"].as_str().unwrap_or("?")
            )
        })
        .collect()
}

pub(crate) async fn warn_and_break(stage: &Stage) {
    let line = stage.connect(json!({})).await;
    let short = policy(stage, "Short", "normal", 12).await;
    let (_, ticket) = asked_under(stage, &line, &short).await;
    let warned =
        |ticket: &Value| clock(ticket, "first_response").is_some_and(|clock| clock["warned"] == true);
    stage.tick_until(&ticket, "the deadline is near", warned).await;
    let broken = |ticket: &Value| clock_state(ticket, "first_response") == "breached";
    // Nobody calls the clock from here on: its own schedule must.
    let seen = eventually("the deadline breaks", SCHEDULE, async || {
        let seen = stage.desk.ticket(&ticket).await;
        if broken(&seen) { Ok(seen) } else { Err(seen) }
    })
    .await;
    // A ticket that was opened under older settings is brought in line first.
    let mut told = changes(stage, &ticket).await;
    told.retain(|change| !change.ends_with(":retarget"));
    let wanted = ["first_response:activate", "first_response:warn", "first_response:breach"];
    assert_eq!(told, wanted, "{seen:#}");

    // An answer after the deadline stops the clock, and heals nothing.
    let reply = stage.desk.reply(&ticket, "Sorry for the wait").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(clock_state(&stage.desk.ticket(&ticket).await, "first_response"), "breached");
    assert_eq!(changes(stage, &ticket).await.last().map(String::as_str), Some("first_response:fulfill"));
    remove(stage, &[&short]).await;
}

pub(crate) async fn pause_and_are_met(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let short = policy(stage, "Short", "normal", 6).await;
    let (anna, paused) = asked_under(stage, &line, &short).await;
    desk.patch(&format!("/tickets/{paused}"), &json!({"status": "waiting_third_party"})).await;
    let seen = desk.ticket(&paused).await;
    assert_eq!(clock_state(&seen, "first_response"), "paused", "{seen:#}");
    assert!(clock(&seen, "first_response").is_some_and(|clock| clock["deadline"].is_null()));

    // Once another ticket of the same age has broken, time enough has passed to see that this one did not.
    let (_, other) = asked_under(stage, &line, &short).await;
    let broken = |ticket: &Value| clock_state(ticket, "first_response") == "breached";
    stage.tick_until(&other, "the other ticket breaks", broken).await;
    assert_eq!(clock_state(&desk.ticket(&paused).await, "first_response"), "paused");

    desk.patch(&format!("/tickets/{paused}"), &json!({"status": "open"})).await;
    assert_eq!(clock_state(&desk.ticket(&paused).await, "first_response"), "running");
    let reply = desk.reply(&paused, "We have it again").await;
    desk.await_delivery(&paused, &reply, "sent").await;
    assert_eq!(clock_state(&desk.ticket(&paused).await, "first_response"), "met");
    assert_eq!(line.bot.texts(anna.chat()), ["We have it again"]);
    remove(stage, &[&short]).await;
}

pub(crate) async fn follow_priority_and_policy(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({})).await;
    let usual = policy(stage, "Usual", "normal", 3600).await;
    let urgent = policy(stage, "Urgent", "urgent", 600).await;
    let (_, ticket) = asked_under(stage, &line, &usual).await;
    let target = |ticket: &Value, policy: &Value| {
        clock(ticket, "first_response")
            .and_then(|clock| (clock["policy"] == policy["id"]).then(|| clock["target"].clone()))
    };
    assert_eq!(target(&desk.ticket(&ticket).await, &usual), Some(json!(3600)));
    let before = clock(&desk.ticket(&ticket).await, "first_response").expect("a clock")["deadline"].clone();

    let path = format!("/tickets/{ticket}");
    let seen = eventually("the priority brings its policy", SOON, async || {
        desk.patch(&path, &json!({"priority": "normal"})).await;
        let seen = desk.patch(&path, &json!({"priority": "urgent"})).await;
        if target(&seen, &urgent) == Some(json!(600)) { Ok(seen) } else { Err(seen) }
    })
    .await;
    let after = clock(&seen, "first_response").expect("a clock")["deadline"].clone();
    assert!(after.as_str() < before.as_str(), "{after} is earlier than {before}");

    let path = format!("/sla-policies/{}", id(&urgent));
    desk.put(&path, &promise("Urgent", "urgent", 900)).await;
    let follows = |ticket: &Value| target(ticket, &urgent) == Some(json!(900));
    stage.tick_until(&ticket, "the ticket follows its policy", follows).await;
    assert_eq!(desk.events_of(&ticket, "sla_recomputed").await.len(), 1);
    remove(stage, &[&usual, &urgent]).await;
}

pub(crate) async fn greeting_stops_no_clock(stage: &Stage) {
    let desk = &stage.desk;
    let line = stage.connect(json!({"greeting": "Welcome! Ask us anything."})).await;
    let anna = line.bot.customer("Anna");
    line.bot.deliver(&anna.start(None)).await;
    let ticket = stage.ticket_of(&line, &anna).await;
    let greeted = |event: &Value| event["kind"] == "replied" && event["delivery"] == "sent";
    let event = desk.await_event(&ticket, "the greeting is sent", greeted).await;
    assert_eq!(event["data"]["automatic"], true);
    assert_eq!(line.bot.texts(anna.chat()), ["Welcome! Ask us anything."]);
    let seen = desk.ticket(&ticket).await;
    assert_eq!(clock_state(&seen, "first_response"), Value::Null, "nobody asked anything: {seen:#}");

    anna.says("Where is my parcel?").await;
    let running = |ticket: &Value| clock_state(ticket, "first_response") == "running";
    desk.await_ticket(&ticket, "the question starts the clock", running).await;
    assert_eq!(line.bot.texts(anna.chat()).len(), 1, "a greeting comes once");
    let reply = desk.reply(&ticket, "On its way").await;
    desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(clock_state(&desk.ticket(&ticket).await, "first_response"), "met");
}
