//! Where deliveries end up.

use std::time::Duration;

use desk::command::{Command, Request, Update};
use desk::event::Actor;
use desk::inbound::{Happened, Inbound};
use desk::message::MessageContent;
use desk::sla::{ClockState, Metric};
use desk::ticket::Status;
use store::queue::{MAX_RECEIVES, Queue};

use crate::stage::{Stage, delivery, message, thread};

#[tokio::test]
async fn a_conversation_has_one_ticket() {
    let stage = Stage::new().await;
    for id in ["1", "2", "3"] {
        assert_eq!(stage.deliver(message(id, "Hello"), 1).await, []);
    }
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "message_received", "message_received"]);
    assert_eq!(stage.ticket(2).await, None);
}

/// A batch whose function was slow is handed out again while it is still worked on.
#[tokio::test]
async fn several_routers_open_one_ticket_for_a_conversation() {
    let stage = Stage::new().await;
    // Whoever writes is known, so that nothing but the conversation itself is new.
    stage.deliver(message("1", "Hello"), 1).await;
    // Chance decides who is faster; in so many conversations everybody is.
    for chat in 1..=20 {
        let elsewhere = |id: &str| {
            let mut inbound = message(id, "Hello there");
            inbound.thread.conversation = format!("-{chat}");
            inbound
        };
        let handled = tokio::join!(
            stage.deliver(elsewhere("2"), 1),
            stage.deliver(elsewhere("3"), 1),
            stage.deliver(elsewhere("4"), 1),
        );
        assert_eq!(handled, (vec![], vec![], vec![]));
    }
    let mut taken = Vec::new();
    // Numbers that were drawn in vain leave gaps: each conversation draws three at most.
    for number in 2..=61 {
        if stage.ticket(number).await.is_some() {
            taken.push(stage.kinds(number).await);
        }
    }
    assert_eq!(taken, [["opened", "message_received", "message_received", "message_received"]; 20]);
}

#[tokio::test]
async fn several_routers_overwrite_nothing_of_each_other() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    // Chance decides who is faster; in so many rounds everybody is.
    for round in 1..=20 {
        let id = |number: u32| (10 * round + number).to_string();
        let handled = tokio::join!(
            stage.deliver(message(&id(0), "Are"), 1),
            stage.deliver(message(&id(1), "you"), 1),
            stage.deliver(message(&id(2), "there?"), 1),
        );
        assert_eq!(handled, (vec![], vec![], vec![]));
    }
    assert_eq!(stage.kinds(1).await[1..], ["message_received"; 61]);
}

#[tokio::test]
async fn an_edit_stands_on_the_ticket_of_its_message_and_comes_once() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    for _ in 0..2 {
        let edit = Happened::Edited { id: "1".to_owned(), content: MessageContent::text("Hello!") };
        assert_eq!(stage.deliver(delivery("update:2", edit), 1).await, []);
    }
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "message_edited"]);
}

#[tokio::test]
async fn an_edit_of_a_message_that_never_came_is_the_message() {
    let stage = Stage::new().await;
    let edit = Happened::Edited { id: "1".to_owned(), content: MessageContent::text("Hello!") };
    assert_eq!(stage.deliver(delivery("update:2", edit), 1).await, []);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received"]);
    // The message itself, late: it stands already, in its newest form.
    assert_eq!(stage.deliver(message("1", "Hello"), 1).await, []);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received"]);
}

#[tokio::test]
async fn a_remark_finds_the_topic_of_its_message() {
    let stage = Stage::new().await;
    let in_topic = |topic: &str, mut inbound: Inbound| {
        inbound.thread.conversation = format!("-100:{topic}");
        inbound.numbered_in = Some("-100".to_owned());
        inbound
    };
    for (id, topic) in [("1", "7"), ("2", "8")] {
        assert_eq!(stage.deliver(in_topic(topic, message(id, "Hello")), 1).await, []);
    }
    // What Telegram tells of a reaction, and of a press under an old message, names no topic.
    let in_chat = |key: &str, happened: Happened| {
        let mut inbound = delivery(key, happened);
        inbound.thread.conversation = "-100".to_owned();
        inbound
    };
    let reaction = Happened::Reaction { id: "1".to_owned(), emoji: vec!["👍".to_owned()] };
    let button =
        Happened::Button { callback: "7".to_owned(), id: Some("2".to_owned()), data: "Yes".to_owned() };
    let edit = Happened::Edited { id: "2".to_owned(), content: MessageContent::text("Hello!") };
    for told in [
        in_chat("update:3", reaction),
        in_chat("update:4", button.clone()),
        in_topic("8", delivery("update:5", edit)),
    ] {
        assert_eq!(stage.deliver(told, 1).await, []);
    }
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "reacted"]);
    assert_eq!(stage.kinds(2).await, ["opened", "message_received", "button_pressed", "message_edited"]);

    // A press on a closed ticket goes on in the topic, too.
    let closed = stage.close(2).await;
    assert_eq!(stage.deliver(in_chat("update:6", button), 1).await, []);
    let next = stage.ticket(3).await.unwrap();
    assert_eq!((next.follow_up_of, next.thread), (Some(closed.id), closed.thread));
}

/// A reaction in a chat with topics, of which nothing tells the topic.
fn somewhere(key: &str, id: &str) -> Inbound {
    let mut told = delivery(key, Happened::Reaction { id: id.to_owned(), emoji: vec!["👍".to_owned()] });
    told.thread.conversation = "-100".to_owned();
    told.numbered_in = Some("-100".to_owned());
    told
}

#[tokio::test]
async fn a_reaction_that_overtakes_its_message_waits_for_it() {
    let stage = Stage::new().await;
    let mut topic = message("1", "Hello");
    topic.thread.conversation = "-100:7".to_owned();
    topic.numbered_in = Some("-100".to_owned());
    let mut general = message("2", "To everybody");
    general.thread.conversation = "-100".to_owned();
    assert_eq!(stage.deliver(general.clone(), 1).await, []);
    assert_ne!(somewhere("update:3", "1").group(), general.group(), "nothing waits behind it");
    for receives in 1..=2 {
        let waits = stage.deliver(somewhere("update:3", "1"), receives).await;
        let [early] = waits.as_slice() else { panic!("it waits") };
        assert_eq!(early.after, Some(Duration::from_secs(5 * u64::from(receives))));
    }
    assert_eq!(stage.deliver(topic, 1).await, []);
    assert_eq!(stage.deliver(somewhere("update:3", "1"), 3).await, []);
    assert_eq!(stage.kinds(2).await, ["opened", "message_received", "reacted"]);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received"]);
    // One about a message of the chat itself needs no waiting.
    assert_eq!(stage.deliver(somewhere("update:4", "2"), 1).await, []);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "reacted"]);
}

#[tokio::test]
async fn a_reaction_whose_message_never_comes_is_noted_in_its_chat() {
    let stage = Stage::new().await;
    // Nobody has written there: there is nothing to note it on, and nothing lost.
    assert_eq!(stage.deliver(somewhere("update:1", "9"), MAX_RECEIVES).await, []);
    let mut general = message("2", "To everybody");
    general.thread.conversation = "-100".to_owned();
    assert_eq!(stage.deliver(general, 1).await, []);
    assert_eq!(stage.deliver(somewhere("update:3", "9"), MAX_RECEIVES - 1).await.len(), 1);
    assert_eq!(stage.deliver(somewhere("update:3", "9"), MAX_RECEIVES).await, []);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "reacted"]);
    assert_eq!(stage.dead.depth().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn who_writes_in_a_group_is_the_actor() {
    let stage = Stage::new().await;
    let by = |person: &str, mut inbound: Inbound| {
        inbound.thread.conversation = "-100".to_owned();
        let sender = inbound.sender.as_mut().unwrap();
        (sender.address, sender.name) = (person.to_owned(), Some(format!("Person {person}")));
        inbound
    };
    let edit = Happened::Edited { id: "2".to_owned(), content: MessageContent::text("Hello!") };
    for told in [
        by("42", message("1", "Hello")),
        by("43", message("2", "Hello")),
        by("42", message("3", "Anybody?")),
        by("43", message("4", "Well?")),
        by("43", delivery("update:5", edit)),
        by("44", delivery("update:6", Happened::Reaction { id: "1".to_owned(), emoji: Vec::new() })),
    ] {
        assert_eq!(stage.deliver(told, 1).await, []);
    }
    let ticket = stage.ticket(1).await.unwrap();
    let contact = async |person: &str| stage.desk.contact_by_identity("telegram", person).await.unwrap();
    let (first, second) = (ticket.contact, contact("43").await.unwrap());
    assert_eq!(contact("42").await, Some(first));
    assert_eq!(contact("44").await, None, "nobody becomes a contact by a reaction");
    assert_ne!(first, second);
    let events = stage.desk.events(ticket.id, 0, 100).await.unwrap().items;
    let actors: Vec<Actor> = events.iter().map(|event| event.actor.clone()).collect();
    let expected = [first, first, second, first, second, second, first];
    assert_eq!(actors, expected.map(|id| Actor::Contact { id }));
    let new =
        events.iter().filter(|event| serde_json::to_value(event).unwrap()["data"]["new_author"] == true);
    assert_eq!(new.map(|event| event.seq).collect::<Vec<_>>(), [3], "who is told to the search");

    // The next ticket is opened by who wrote, for whom the conversation belongs to.
    stage.close(1).await;
    assert_eq!(stage.deliver(by("44", message("7", "Again")), 1).await, []);
    let next = stage.ticket(2).await.unwrap();
    let third = Actor::Contact { id: contact("44").await.unwrap() };
    assert_eq!(next.contact, first);
    let events = stage.desk.events(next.id, 0, 100).await.unwrap().items;
    assert_eq!(events.iter().map(|event| event.actor.clone()).collect::<Vec<_>>(), [third.clone(), third]);
}

#[tokio::test]
async fn a_moved_conversation_keeps_its_ticket() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    assert_eq!(
        stage.deliver(delivery("update:2", Happened::Migrated { to: "-100".to_owned() }), 1).await,
        []
    );
    let mut moved = message("3", "Still there?");
    moved.thread.conversation = "-100".to_owned();
    assert_eq!(stage.deliver(moved, 1).await, []);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "message_received"]);
    assert_eq!(stage.desk.thread(&thread()).await.unwrap().unwrap().address(), "-100");
}

#[tokio::test]
async fn a_moved_conversation_numbers_its_messages_anew() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    stage.deliver(message("2", "Anybody?"), 1).await;
    stage.deliver(delivery("update:3", Happened::Migrated { to: "-100".to_owned() }), 1).await;
    let here = |id: &str, update: &str| {
        let mut moved = message(id, "Still there?");
        moved.key = update.to_owned();
        moved.thread.conversation = "-100".to_owned();
        moved
    };
    for (id, update) in [("1", "update:4"), ("2", "update:5"), ("2", "update:5")] {
        assert_eq!(stage.deliver(here(id, update), 1).await, []);
    }
    let four = ["message_received"; 4];
    assert_eq!(stage.kinds(1).await, [&["opened"][..], &four].concat());

    // An edit is one of the message with this number where it stands.
    let edit = Happened::Edited { id: "2".to_owned(), content: MessageContent::text("Still there!") };
    let mut edited = delivery("update:6", edit);
    edited.thread.conversation = "-100".to_owned();
    assert_eq!(stage.deliver(edited, 1).await, []);
    assert_eq!(stage.kinds(1).await.last().map(String::as_str), Some("message_edited"));
}

#[tokio::test]
async fn a_message_that_fails_to_the_end_leaves_a_gap_and_takes_nobody_along() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    let group = Some(thread().to_string());
    for receives in 1..MAX_RECEIVES {
        assert_eq!(stage.deliver_body("garbage".to_owned(), group.clone(), receives).await.len(), 1);
    }
    assert_eq!(stage.dead.depth().await.unwrap().waiting, 0);
    assert_eq!(stage.deliver_body("garbage".to_owned(), group.clone(), MAX_RECEIVES).await, []);
    assert_eq!(stage.dead.depth().await.unwrap().waiting, 1);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "gap"]);
    // What stood behind it was handed back as often, and is tried all the same.
    assert_eq!(stage.deliver(message("2", "Others go on"), MAX_RECEIVES).await, []);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "gap", "message_received"]);
    assert_eq!(stage.ticket(1).await.unwrap().status, Status::New);
}

#[tokio::test]
async fn a_dead_letter_that_fails_again_makes_no_second_gap() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    let group = Some(thread().to_string());
    for _ in 0..2 {
        assert_eq!(stage.deliver_body("garbage".to_owned(), group.clone(), MAX_RECEIVES).await, []);
    }
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "gap"]);
}

#[tokio::test]
async fn a_gap_before_the_first_message_opens_a_ticket() {
    let stage = Stage::new().await;
    let too_large = "x".repeat(500 * 1024);
    assert_eq!(stage.deliver(message("1", &too_large), MAX_RECEIVES - 1).await.len(), 1);
    assert_eq!(stage.deliver(message("1", &too_large), MAX_RECEIVES).await, []);
    // Each of the three tries took a number; gaps between numbers are allowed.
    assert_eq!(stage.kinds(3).await, ["opened", "gap"]);
    let waiting = stage.ticket(3).await.unwrap();
    let clock = waiting.sla.clock(Metric::FirstResponse).unwrap().clone();
    assert_eq!((clock.state, clock.since), (ClockState::Running, waiting.waiting_since), "somebody waits");
    // Sent again in a form that fits, it lands on the same ticket.
    assert_eq!(stage.deliver(message("1", "Hello"), 1).await, []);
    assert_eq!(stage.kinds(3).await, ["opened", "gap", "message_received"]);
    let ticket = stage.ticket(3).await.unwrap();
    assert_eq!(ticket.waiting_since, waiting.waiting_since, "they wait since then, and once");
    assert_eq!(ticket.sla.clock(Metric::FirstResponse).unwrap().since, clock.since);
}

#[tokio::test]
async fn a_gap_asks_what_its_message_would_have_asked() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    let id = stage.ticket(1).await.unwrap().id;
    let solve = || Command::Update(Update { status: Some(Status::Solved), ..Update::default() });
    let request = || Request { actor: Actor::System, cause: None, command: solve() };
    stage.desk.execute(id, request()).await.unwrap();
    let too_large = || MessageContent::text("x".repeat(500 * 1024));
    let edit = Happened::Edited { id: "1".to_owned(), content: too_large() };
    assert_eq!(stage.deliver(delivery("update:2", edit), MAX_RECEIVES).await, []);
    assert_eq!(stage.ticket(1).await.unwrap().status, Status::Solved);
    let unseen = Happened::Message { id: "3".to_owned(), content: too_large(), album: None };
    assert_eq!(stage.deliver(delivery("update:3", unseen), MAX_RECEIVES).await, []);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "updated", "gap", "gap"]);
    let ticket = stage.ticket(1).await.unwrap();
    assert_eq!(ticket.status, Status::Open);
    assert!(ticket.waiting_since.is_some());
}

#[tokio::test]
async fn an_album_stays_together_when_its_ticket_is_closed_in_the_middle() {
    let stage = Stage::new().await;
    let picture = |id: &str, album: &str| {
        let content = MessageContent::text("picture");
        let happened = Happened::Message { id: id.to_owned(), content, album: Some(album.to_owned()) };
        delivery(&format!("update:{id}"), happened)
    };
    assert_eq!(stage.deliver(picture("1", "a"), 1).await, []);
    let id = stage.ticket(1).await.unwrap().id;
    let close = || Command::Update(Update { status: Some(Status::Closed), ..Update::default() });
    let request = || Request { actor: Actor::System, cause: None, command: close() };
    stage.desk.execute(id, request()).await.unwrap();
    assert_eq!(stage.deliver(picture("2", "a"), 1).await, []);
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "updated", "message_received"]);
    let ticket = stage.ticket(1).await.unwrap();
    assert_eq!(ticket.status, Status::Open, "somebody has to see it");
    assert_eq!(ticket.sla.clock(Metric::FirstResponse).unwrap().state, ClockState::Running);

    // Another album is another matter.
    stage.desk.execute(id, request()).await.unwrap();
    assert_eq!(stage.deliver(picture("3", "b"), 1).await, []);
    assert_eq!(stage.ticket(2).await.unwrap().follow_up_of, Some(id));
    // From then on the old ticket is no place for work any more.
    assert_eq!(stage.deliver(picture("4", "b"), 1).await, []);
    assert_eq!(stage.kinds(2).await, ["opened", "message_received", "message_received"]);
    assert_eq!(stage.ticket(1).await.unwrap().status, Status::Closed);
}

#[tokio::test]
async fn a_button_on_a_closed_ticket_opens_the_next_one() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    let id = stage.close(1).await.id;
    let button =
        Happened::Button { callback: "7".to_owned(), id: Some("1".to_owned()), data: "Again".to_owned() };
    for _ in 0..2 {
        assert_eq!(stage.deliver(delivery("update:2", button.clone()), 1).await, []);
    }
    assert_eq!(stage.kinds(2).await, ["opened", "message_received"]);
    assert_eq!(stage.ticket(2).await.unwrap().follow_up_of, Some(id));
}

#[tokio::test]
async fn a_button_that_was_noted_opens_nothing_when_it_comes_again() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    let button =
        Happened::Button { callback: "7".to_owned(), id: Some("1".to_owned()), data: "Again".to_owned() };
    assert_eq!(stage.deliver(delivery("update:2", button.clone()), 1).await, []);
    stage.close(1).await;
    assert_eq!(stage.deliver(delivery("update:2", button.clone()), 1).await, []);
    assert!(stage.ticket(2).await.is_none());
    // Another press opens the next ticket; that one, too, comes again.
    let again = Happened::Button { callback: "8".to_owned(), id: None, data: "Once more".to_owned() };
    for _ in 0..2 {
        assert_eq!(stage.deliver(delivery("update:3", again.clone()), 1).await, []);
    }
    assert_eq!(stage.kinds(2).await, ["opened", "message_received"]);
}
