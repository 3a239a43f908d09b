//! The commands that look after a desk.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::ask;
use crate::options::{DeadLetters, Remote};
use crate::welcome::say;

/// `lambdesk dead-letters …`
pub(crate) async fn dead_letters(desk: &Remote, what: DeadLetters) -> Result<(), String> {
    match what {
        DeadLetters::List { queue } => {
            let path = match queue {
                Some(queue) => format!("/dead-letters?queue={queue}"),
                None => "/dead-letters".to_owned(),
            };
            let answer = ask(desk, Method::GET, &path, None).await?;
            let letters = items(&answer);
            if letters.is_empty() {
                say("no dead letters");
            }
            for letter in letters {
                say(&format!(
                    "{}  {}  {}  {} bytes  {}",
                    text(letter, "queue"),
                    text(letter, "id"),
                    text(letter, "sent_at"),
                    letter.get("size").map(Value::to_string).unwrap_or_default(),
                    text(letter, "group"),
                ));
            }
        }
        DeadLetters::Show { queue, id } => {
            let answer = ask(desk, Method::GET, &format!("/dead-letters/{queue}/{id}"), None).await?;
            say(&serde_json::to_string_pretty(&answer).unwrap_or_default());
        }
        DeadLetters::Redrive { queue, id } => {
            let body = id.map_or_else(|| json!({}), |id| json!({ "id": id }));
            let answer =
                ask(desk, Method::POST, &format!("/dead-letters/{queue}/redrive"), Some(&body)).await?;
            let redriven = answer.get("redriven").and_then(Value::as_u64).unwrap_or_default();
            say(&format!("{redriven} sent back to {queue}"));
            for letter in answer.get("unsendable").and_then(Value::as_array).into_iter().flatten() {
                say(&format!("{} cannot be sent again", letter.as_str().unwrap_or_default()));
            }
        }
    }
    Ok(())
}

/// `lambdesk doctor`
pub(crate) async fn doctor(desk: &Remote) -> Result<(), String> {
    let answer = ask(desk, Method::GET, "/doctor", None).await?;
    let findings = answer.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for finding in findings {
        let ok = finding.get("ok").and_then(Value::as_bool).unwrap_or_default();
        say(&format!(
            "{} {}: {}",
            if ok { "ok  " } else { "FAIL" },
            text(finding, "area"),
            text(finding, "what")
        ));
        if let Some(advice) = finding.get("advice").and_then(Value::as_str) {
            say(&format!("       → {advice}"));
        }
    }
    match answer.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(()),
        _ => Err("not all is well".to_owned()),
    }
}

fn items(answer: &Value) -> &[Value] {
    answer.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
