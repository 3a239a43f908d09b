//! Telephone numbers that a platform vouches for.

use desk::inbound::Inbound;
use store::contacts::Contact;

use crate::stage::{Stage, message};

const NUMBER: &str = "+46701234567";

/// A message with which its author proves a number.
fn proving(number: &str, mut inbound: Inbound) -> Inbound {
    inbound.sender.as_mut().unwrap().phone = Some(number.to_owned());
    inbound
}

/// The same of another person, in a chat of their own.
fn of_bob(mut inbound: Inbound) -> Inbound {
    inbound.thread.conversation = "43".to_owned();
    inbound.sender.as_mut().unwrap().address = "43".to_owned();
    inbound
}

/// The contact of a ticket, with its addresses.
async fn contact(stage: &Stage, number: u64) -> (Contact, Vec<String>) {
    let ticket = stage.ticket(number).await.unwrap();
    let contact = stage.desk.contact(ticket.contact).await.unwrap().unwrap();
    let addresses =
        contact.identities.iter().map(|known| format!("{} {}", known.kind, known.address)).collect();
    (contact, addresses)
}

/// Which events of a ticket tell the search that a contact is to be found by something new.
async fn told(stage: &Stage, number: u64) -> Vec<u64> {
    let id = stage.ticket(number).await.unwrap().id;
    let events = stage.desk.events(id, 0, 100).await.unwrap().items;
    let new =
        |event: &&desk::event::Event| serde_json::to_value(event).unwrap()["data"]["new_author"] == true;
    events.iter().filter(new).map(|event| event.seq).collect()
}

#[tokio::test]
async fn a_proved_number_leads_to_whoever_proved_it() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    for _ in 0..2 {
        assert_eq!(stage.deliver(proving(NUMBER, message("2", "My number")), 1).await, []);
    }
    assert_eq!(stage.deliver(proving(NUMBER, message("3", "Once more")), 1).await, []);
    let (ann, addresses) = contact(&stage, 1).await;
    assert_eq!(addresses, ["telegram 42", "phone +46701234567"]);
    assert!(ann.identities[1].verified);
    assert_eq!(stage.desk.contact_by_identity("phone", NUMBER).await.unwrap(), Some(ann.id));
    assert_eq!(told(&stage, 1).await, [3]);
}

#[tokio::test]
async fn a_stranger_may_begin_with_a_number() {
    let stage = Stage::new().await;
    assert_eq!(stage.deliver(proving(NUMBER, message("1", "My number")), 1).await, []);
    let (ann, addresses) = contact(&stage, 1).await;
    assert_eq!(addresses, ["telegram 42", "phone +46701234567"]);
    assert_eq!(stage.desk.contact_by_identity("phone", NUMBER).await.unwrap(), Some(ann.id));
}

#[tokio::test]
async fn a_number_that_leads_to_somebody_merges_nobody() {
    let stage = Stage::new().await;
    stage.deliver(proving(NUMBER, message("1", "My number")), 1).await;
    // Somebody new, and somebody known.
    for id in ["2", "3"] {
        assert_eq!(stage.deliver(of_bob(proving(NUMBER, message(id, "Mine, too"))), 1).await, []);
    }
    let ((ann, _), (bob, addresses)) = (contact(&stage, 1).await, contact(&stage, 2).await);
    assert_ne!(ann.id, bob.id);
    assert_eq!(addresses, ["telegram 43"]);
    assert_eq!(stage.desk.contact_by_identity("phone", NUMBER).await.unwrap(), Some(ann.id));
    assert_eq!(stage.kinds(2).await, ["opened", "message_received", "message_received"]);
}

#[tokio::test]
async fn two_who_prove_a_number_at_once_get_it_once() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    stage.deliver(of_bob(message("2", "Hello")), 1).await;
    // Chance decides who is faster; in so many rounds they meet.
    for round in 0..20_u64 {
        let number = format!("+4670000{round:04}");
        let handled = tokio::join!(
            stage.deliver(proving(&number, message(&format!("a{round}"), "Mine")), 1),
            stage.deliver(of_bob(proving(&number, message(&format!("b{round}"), "Mine"))), 1),
        );
        assert_eq!(handled, (vec![], vec![]));
    }
    let ((ann, hers), (bob, his)) = (contact(&stage, 1).await, contact(&stage, 2).await);
    for contact in [&ann, &bob] {
        for known in &contact.identities {
            let owner = stage.desk.contact_by_identity(&known.kind, &known.address).await.unwrap();
            assert_eq!(owner, Some(contact.id));
        }
    }
    // Nobody has more than ten addresses by what they say.
    assert_eq!(hers.len() + his.len(), 20);
}
