//! Visitors of the firm's site, as the chat's widget acts for them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::customers::{Brought, Habits, OVER, bring};
use super::mails::{latest_to, write};
use super::{Stage, pause, windows};
use crate::chance::Chance;
use crate::cloud::Door;
use crate::history::{Said, Shown, Visit};
use crate::platform::contents;

/// How often a request is made: for hours.
const ATTEMPTS: u32 = 400;

/// A visitor who writes in the chat, looks at what comes, and may leave an address and go on by mail. Returns the
/// deliveries that are still to be repeated.
pub async fn visit(stage: Stage, number: u64, habits: Habits, chance: Arc<Chance>) -> Vec<JoinHandle<()>> {
    let mut repetitions = Vec::new();
    let Some(visit) = come(&stage).await else { return repetitions };
    let mut window = if habits.watches { windows::connect(&stage, visit).await } else { None };
    let (by, address) = (format!("visitor {number}"), format!("visitor{number}@people.example"));
    for message in 1..=habits.messages {
        pause(&chance, &habits.pauses).await;
        if habits.returns && message == habits.messages {
            tokio::time::sleep(OVER).await;
        }
        if let Some(open) = window.as_ref().filter(|_| chance.happens(150)) {
            // The gateway does not always tell that one was closed.
            windows::disconnect(&stage, open, chance.happens(500)).await;
            window = windows::connect(&stage, visit).await;
        }
        if let Some(open) = &window {
            windows::says_so(&stage, open).await;
        }
        let text = format!("Question {message} of visitor {number}");
        let latest = latest_to(&stage, &address).filter(|_| chance.happens(500));
        if let Some(latest) = latest {
            let id = format!("v{number}.{message}@people.example");
            repetitions.extend(write(&stage, &chance, &habits, &text, &address, &id, Some(&latest)).await);
            continue;
        }
        let mut body = json!({"client_id": format!("{number}-{message}"), "text": text});
        let mut said = Said::new(&text, &by);
        if let Some(body) = body.as_object_mut() {
            if habits.leaves_address && message == 1 {
                body.insert("email".to_owned(), address.clone().into());
                said.address = Some(address.clone());
            }
            if chance.happens(habits.files) {
                let name = format!("{text}.txt");
                let Some(id) = upload(&stage, visit, &name).await else { continue };
                body.insert("attachments".to_owned(), json!([id]));
                said.file = Some(name);
            }
        }
        let place = stage.history.say(said);
        let submission = Brought::Submission { visit, body };
        repetitions.extend(bring(&stage, &chance, habits.repeated, submission, place).await);
        if chance.happens(600) || stage.cloud.windows.had_news(visit) {
            pause(&chance, &habits.pauses).await;
            look(&stage, visit).await;
            if chance.happens(500) {
                read(&stage, visit).await;
            }
        }
    }
    if let Some(open) = window.filter(|_| chance.happens(500)) {
        windows::disconnect(&stage, &open, chance.happens(500)).await;
    }
    repetitions
}

/// Opens the chat. The place of the visit.
pub(crate) async fn come(stage: &Stage) -> Option<usize> {
    let (_, session) = ask(stage, Method::POST, "session", None, Some(&json!({}))).await?;
    let text = |name: &str| session.get(name).and_then(Value::as_str).map(str::to_owned);
    let visit = Visit {
        conversation: text("visitor")?,
        token: text("token")?,
        cursor: None,
        shown: Vec::new(),
        whole: Vec::new(),
    };
    let mut state = stage.history.state();
    state.visits.push(visit);
    Some(state.visits.len() - 1)
}

/// Sends what a visitor writes, until it is taken. Whether it was.
pub(crate) async fn submit(stage: &Stage, visit: usize, body: &Value) -> bool {
    let answered = ask_as(stage, visit, Method::POST, "messages", Some(body)).await;
    let taken = answered.as_ref().is_some_and(|(status, _)| *status == StatusCode::ACCEPTED);
    if let Some((status, problem)) = answered.filter(|_| !taken) {
        stage.cloud.complain(format!("a visitor's {body} was answered {status} {problem}"));
    }
    taken
}

/// Uploads a file and returns its id.
pub(crate) async fn upload(stage: &Stage, visit: usize, name: &str) -> Option<String> {
    let contents = contents(name);
    let announced = json!({"name": name, "size": contents.len(), "content_type": "text/plain"});
    let (_, made) = ask_as(stage, visit, Method::POST, "attachments", Some(&announced)).await?;
    stage.cloud.upload(made.get("upload")?, contents).await.then_some(())?;
    made.get("id")?.as_str().map(str::to_owned)
}

/// Asks for news, as long as there are any.
pub(crate) async fn look(stage: &Stage, visit: usize) {
    loop {
        let cursor = stage.history.state().visits.get(visit).and_then(|visit| visit.cursor.clone());
        let path = cursor.map_or("messages".to_owned(), |cursor| format!("messages?after={cursor}"));
        let Some((_, page)) = ask_as(stage, visit, Method::GET, &path, None).await else { return };
        let shown = items(stage, &page).await;
        let ids: Vec<&str> = shown.iter().map(|one| one.id.as_str()).collect();
        stage
            .cloud
            .trace
            .note(&format!("{path} shows {ids:?}, then {}", page.get("cursor").unwrap_or(&Value::Null)));
        let mut state = stage.history.state();
        let Some(visit) = state.visits.get_mut(visit) else { return };
        visit.shown.extend(shown);
        visit.cursor = page.get("cursor").and_then(Value::as_str).map(str::to_owned).or(visit.cursor.take());
        if page.get("more").and_then(Value::as_bool) != Some(true) {
            return;
        }
    }
}

/// Every visitor looks once more: at what is new, and at everything.
pub async fn everybody_looks(stage: &Stage) {
    let visits = stage.history.state().visits.len();
    for visit in 0..visits {
        look(stage, visit).await;
        let Some((_, page)) = ask_as(stage, visit, Method::GET, "messages", None).await else { continue };
        let whole = items(stage, &page).await;
        if let Some(visit) = stage.history.state().visits.get_mut(visit) {
            visit.whole = whole;
        }
    }
}

async fn items(stage: &Stage, page: &Value) -> Vec<Shown> {
    let text =
        |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut shown = Vec::new();
    for item in page.get("items").and_then(Value::as_array).into_iter().flatten() {
        let mut files = Vec::new();
        for file in item.get("attachments").and_then(Value::as_array).into_iter().flatten() {
            let behind = stage.cloud.download(&text(file, "url")).await.unwrap_or_default();
            files.push((text(file, "name"), behind));
        }
        let own = text(item, "from") == "visitor";
        shown.push(Shown { id: text(item, "id"), own, text: text(item, "text"), files });
    }
    shown
}

/// The visitor has seen everything that was shown.
pub(crate) async fn read(stage: &Stage, visit: usize) {
    let cursor = stage.history.state().visits.get(visit).and_then(|visit| visit.cursor.clone());
    if let Some(cursor) = cursor {
        ask_as(stage, visit, Method::POST, "read", Some(&json!({ "cursor": cursor }))).await;
    }
}

/// Makes a request as a visitor, whose token is renewed when it does not hold any more.
async fn ask_as(
    stage: &Stage,
    visit: usize,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Option<(StatusCode, Value)> {
    let token = stage.history.state().visits.get(visit)?.token.clone();
    let answered = ask(stage, method.clone(), path, Some(&token), body).await?;
    if answered.0 != StatusCode::UNAUTHORIZED {
        return Some(answered);
    }
    let (_, session) = ask(stage, Method::POST, "session", None, Some(&json!({ "token": token }))).await?;
    let token = session.get("token")?.as_str()?.to_owned();
    stage.history.state().visits.get_mut(visit)?.token.clone_from(&token);
    ask(stage, method, path, Some(&token), body).await
}

/// Makes a request, again and again until it is answered by yes or no.
async fn ask(
    stage: &Stage,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Option<(StatusCode, Value)> {
    for attempt in 1..=ATTEMPTS {
        let mut request =
            Request::builder().method(method.clone()).uri(format!("/webchat/{}/{path}", stage.office.chat));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string().into()),
            None => request.body(Body::empty()),
        };
        let heard = stage.cloud.request(Door::Webchat, request.ok()?).await;
        match heard.filter(|heard| heard.status != StatusCode::TOO_MANY_REQUESTS) {
            Some(heard) if !heard.status.is_server_error() => {
                return Some((heard.status, serde_json::from_slice(&heard.body).unwrap_or_default()));
            }
            _ => tokio::time::sleep(Duration::from_secs(1) * attempt.min(60)).await,
        }
    }
    None
}
