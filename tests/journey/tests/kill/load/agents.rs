//! Agents.

use chance::Chance;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::{Picture, REPEATED, Said, Scene, insist, uploaded};

const AGENTS: usize = 2;
/// Every so manieth answer has a file.
const FILES: u64 = 8;

/// An answer that was accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) ticket: String,
    /// What the API returned.
    pub(crate) created: Value,
    pub(crate) said: Said,
}

impl Scene {
    /// The agents answer.
    pub(crate) async fn answers(&self, mut chance: Chance) -> Vec<Accepted> {
        let answers = join_all((0..AGENTS).map(|agent| self.agent(agent, chance.fork()))).await;
        answers.into_iter().flatten().collect()
    }

    /// An agent answers one customer after the other, and asks again when they do not know whether it was accepted.
    async fn agent(&self, agent: usize, mut chance: Chance) -> Vec<Accepted> {
        let mut accepted = Vec::new();
        while self.goes_on() {
            let ticket = self.tickets[chance.place(self.tickets.len())].clone();
            let text = format!("Answer {agent}/{}.", accepted.len());
            let key = format!("{agent}-{}", accepted.len());
            let said = Said::with_chance(text, FILES, &mut chance);
            let mut answer = json!({"text": said.text});
            if let Some(file) = &said.file {
                answer["attachments"] = json!([self.attach(file, &format!("{key}-file")).await]);
            }
            let path = format!("/tickets/{ticket}/replies");
            let created = self.does("the answer is accepted", &path, &answer, &key).await;
            if chance.once_in(REPEATED) {
                let again = self.does("the answer is accepted again", &path, &answer, &key).await;
                assert_eq!((&again["id"], &again["seq"]), (&created["id"], &created["seq"]), "done once");
            }
            accepted.push(Accepted { ticket, created, said });
        }
        accepted
    }

    /// Uploads a file, and returns its id.
    async fn attach(&self, file: &Picture, key: &str) -> Value {
        let about = json!({"name": Picture::NAME, "size": file.0.len(), "content_type": Picture::TYPE});
        let announced = self.does("the file is announced", "/attachments", &about, key).await;
        uploaded(&announced, file).await;
        announced["id"].clone()
    }

    async fn does(&self, what: &str, path: &str, body: &Value, key: &str) -> Value {
        let headers = [("idempotency-key", key)];
        insist(what, || self.desk.attempt(Method::POST, path, Some(body), &headers)).await
    }
}
