//! What is pushed is a hint to the visitor's own windows, and says nothing that the conversation does not say.

use std::collections::BTreeMap;

use serde_json::Value;

use super::picture::Picture;
use crate::journey::Stage;
use crate::platform::Window;

/// What the chat's protocol knows beside messages.
const HINTS: [&str; 4] = ["pong", "read", "reload", "typing"];

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let history = stage.history.state();
    for window in stage.cloud.windows.all() {
        let Some(visit) = history.visits.get(window.visit) else { continue };
        for (kind, frame) in frames(&window) {
            let word = |place| frame.pointer(place).and_then(Value::as_str);
            let (id, text) = (word("/item/id"), word("/item/text"));
            let sent = || {
                let mut whole = visit.whole.iter().filter(|one| !one.own);
                whole.any(|one| id == Some(&one.id) && text == Some(&one.text))
            };
            if !(HINTS.contains(&kind.as_str()) || kind == "message" && sent()) {
                broken.push(format!("{} was pushed {frame}, which was not sent", visit.conversation));
            }
        }
        let silent = |conversation: &str| {
            let threads = picture.cases.values().filter_map(|case| case.head.thread.as_ref());
            threads.into_iter().all(|thread| thread.conversation != conversation)
        };
        let is_news = |kind: &str| matches!(kind, "message" | "reload");
        if frames(&window).any(|(kind, _)| is_news(&kind)) && silent(&visit.conversation) {
            broken.push(format!("{} was pushed news where there is none", visit.conversation));
        }
    }
}

/// How often each kind of frame came.
pub(super) fn count(stage: &Stage) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (kind, _) in stage.cloud.windows.all().iter().flat_map(frames) {
        *counts.entry(format!("push {kind}")).or_default() += 1;
    }
    counts
}

fn frames(window: &Window) -> impl Iterator<Item = (String, Value)> {
    window.frames.iter().map(|frame| {
        let frame: Value = serde_json::from_str(frame).unwrap_or_default();
        (frame.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(), frame)
    })
}
