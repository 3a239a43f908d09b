//! What agents answered.

use std::collections::HashMap;

use journey::desk::Desk;

use super::{Ticket, said};
use crate::load::{Accepted, Picture, Said, Scene, Visit};

/// Every accepted answer is one event and reached its customer once, with its file, or at most once and is marked; and
/// nobody got anything else. How many are marked.
pub(crate) async fn answers(
    desk: &Desk,
    scene: &Scene,
    visits: &[Visit],
    answers: &[Accepted],
    tickets: &[Ticket],
) -> usize {
    let mut arrived = arrived(scene, visits);
    let mut uncertain = 0;
    for Accepted { ticket, created, said: wanted } in answers {
        let text = &wanted.text;
        let ticket = tickets.iter().find(|known| known.id == *ticket).expect("the ticket is there");
        let replied: Vec<_> =
            ticket.events_of("replied").filter(|event| event["content"]["text"] == text.as_str()).collect();
        assert_eq!(replied.len(), 1, "one event of {text:?}: {replied:#?}");
        assert_eq!(replied[0]["seq"], created["seq"]);
        assert_eq!(said(desk, replied[0]).await, *wanted);
        let here = arrived.remove(text).unwrap_or_default();
        assert!(here.iter().all(|file| *file == wanted.file), "{wanted:?} arrived with {here:?}");
        match replied[0]["delivery"].as_str() {
            Some("uncertain") => {
                assert!(here.len() <= 1, "{text:?} arrived {} times", here.len());
                uncertain += 1;
            }
            // Only visitors tell that they have it.
            state => {
                assert!(matches!(state, Some("sent" | "delivered")), "{text:?} is {state:?}");
                assert_eq!(here.len(), 1, "{text:?} is {state:?}");
            }
        }
    }
    assert!(arrived.is_empty(), "nobody wrote {arrived:?}");
    uncertain
}

/// The answers as they arrived on all channels, by their texts, and the file of each arrival.
fn arrived(scene: &Scene, visits: &[Visit]) -> HashMap<String, Vec<Option<Picture>>> {
    let chats = scene.regulars.iter().flat_map(|customer| scene.line.bot.sent(customer.chat()));
    let chats = chats.map(|message| Said {
        text: message.text.unwrap_or_default(),
        file: message.file.map(|file| Picture(file.bytes)),
    });
    let mails = scene.server.sent().into_iter().map(|mail| {
        let mut files = mail.files();
        assert!(files.len() <= 1, "{files:?}");
        Said {
            text: mail.text().lines().next().unwrap_or_default().trim().to_owned(),
            file: files.pop().map(|(_, bytes)| Picture(bytes.into())),
        }
    });
    let seen = visits.iter().flat_map(|visit| visit.answers.iter().cloned());
    let mut arrived: HashMap<String, Vec<Option<Picture>>> = HashMap::new();
    for said in chats.chain(mails).chain(seen) {
        arrived.entry(said.text).or_default().push(said.file);
    }
    arrived
}
