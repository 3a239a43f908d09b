//! Visitors of the site, in its chat.

use chance::Chance;
use futures_util::future::join_all;
use http::Method;
use journey::desk::SOON;
use journey::eventually;
use journey::stage::Stage;
use journey::webchat::{Chat, Visitor};
use serde_json::{Value, json};

use super::{Picture, REPEATED, Said, Scene, Told, downloaded, insist, uploaded};

/// A visitor, with what they wrote and what they see.
pub(crate) struct Visit {
    visitor: Visitor,
    pub(crate) told: Told,
    /// Their own messages, as they see them.
    pub(crate) own: Vec<Said>,
    /// The answers.
    pub(crate) answers: Vec<Said>,
    cursor: Option<String>,
}

/// A visitor comes, writes once, and has a ticket.
pub(super) async fn comes(stage: &Stage, chat: &Chat) -> (Visitor, String) {
    let visitor = chat.visitor(json!({})).await;
    visitor.says("0", "0").await;
    let ticket = eventually("the visitor has a ticket", SOON, async || {
        let tickets = stage.desk.list("/tickets?channel=webchat").await;
        tickets.into_iter().find(|ticket| ticket["conversation"] == visitor.conversation()).ok_or(())
    })
    .await;
    (visitor, ticket["id"].as_str().expect("a ticket has an id").to_owned())
}

impl Scene {
    /// The visitors write, and read what is answered.
    pub(crate) async fn visits(&self, mut chance: Chance) -> Vec<Visit> {
        join_all(self.visitors.iter().map(|visitor| self.visit(visitor, chance.fork()))).await
    }

    async fn visit(&self, visitor: &Visitor, mut chance: Chance) -> Visit {
        let told = Told::begun(visitor.conversation());
        let (visitor, own, answers) = (visitor.clone(), Vec::new(), Vec::new());
        let mut visit = Visit { visitor, told, own, answers, cursor: None };
        let mut latest: Option<Value> = None;
        while self.goes_on() {
            let said = visit.told.next(&mut chance);
            let mut message = json!({"client_id": said.text, "text": said.text});
            if let Some(file) = &said.file {
                message["attachments"] = json!([visit.attaches(file).await]);
            }
            match latest.as_ref().filter(|_| chance.once_in(REPEATED)) {
                // The widget did not hear that the last one was taken.
                Some(late) => {
                    tokio::join!(visit.says(late), visit.says(&message));
                }
                None => visit.says(&message).await,
            }
            visit.told.messages.push(said);
            latest = Some(message);
            visit.reads().await;
        }
        visit
    }
}

impl Visit {
    async fn says(&self, message: &Value) {
        let say = || self.visitor.try_ask(Method::POST, "messages", Some(message));
        let taken = insist("the visitor's message is taken", say).await;
        assert_eq!(taken["client_id"], message["client_id"]);
    }

    /// Uploads a file, and returns its id.
    async fn attaches(&self, file: &Picture) -> Value {
        let about = json!({"name": Picture::NAME, "size": file.0.len(), "content_type": Picture::TYPE});
        let announce = || self.visitor.try_ask(Method::POST, "attachments", Some(&about));
        let announced = insist("the visitor's file is announced", announce).await;
        uploaded(&announced, file).await;
        announced["id"].clone()
    }

    /// Reads on to the end of the conversation, and downloads what comes with it.
    pub(crate) async fn reads(&mut self) {
        loop {
            let path = match &self.cursor {
                Some(cursor) => format!("messages?after={cursor}"),
                None => "messages".to_owned(),
            };
            let page = insist("the visitor reads", || self.visitor.try_ask(Method::GET, &path, None)).await;
            for item in page["items"].as_array().expect("a page has items") {
                let said = seen(item).await;
                if item["from"] == "visitor" { self.own.push(said) } else { self.answers.push(said) }
            }
            self.cursor = page["cursor"].as_str().map(str::to_owned);
            if page["more"] != true {
                return;
            }
        }
    }
}

/// A message as the visitor sees it.
async fn seen(item: &Value) -> Said {
    let files = item["attachments"].as_array().expect("a message has files, if only none");
    assert!(files.len() <= 1, "{item:#}");
    let file = match files.first() {
        Some(file) => Some(downloaded(file["url"].as_str().expect("a file has a link"), None).await),
        None => None,
    };
    Said { text: item["text"].as_str().unwrap_or_default().to_owned(), file }
}
