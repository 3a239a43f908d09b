//! Contacts: found by words, each once.

use axum::http::Method;
use desk::access::Scope;
use serde_json::json;

use crate::stage::{Stage, text};

#[tokio::test]
async fn contacts_are_found_by_the_beginnings_of_words() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let mut contacts = Vec::new();
    for number in 100..130 {
        contacts.push(stage.ticket(connection, &number.to_string(), "1", text("?"), None).await.contact);
    }
    // "cust" finds each by one word, "1" by two: the number in the name and the address.
    for (query, count) in [("cust", 30), ("customer%20105", 1), ("1", 30), ("105%20cust", 1), ("stomer", 0)] {
        let found = stage.all(&format!("/contacts?query={query}"), 7).await;
        assert_eq!(found.len(), count, "{query}");
    }
    let found = stage.get("/contacts?query=107").await.is(200);
    assert_eq!(found["items"][0]["id"], contacts[7].to_string());
    assert_eq!(found["items"][0]["identities"][0]["address"], "107");
    let shown = stage.get(&format!("/contacts/{}", contacts[7])).await.is(200);
    assert_eq!(shown, found["items"][0]);
    for query in ["/contacts", "/contacts?query=", "/contacts?query=%20-"] {
        stage.get(query).await.is_problem(400, "invalid_parameter");
    }
    let first = stage.get("/contacts?query=cust&limit=1").await.is(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    stage.get(&format!("/contacts?query=other&cursor={cursor}")).await.is_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn who_sees_some_teams_sees_the_contacts_of_their_tickets() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let (mine, other) = (stage.team("mine").await, stage.team("other").await);
    let seen = stage.ticket(connection, "1", "1", text("?"), Some(mine)).await.contact;
    let hidden = stage.ticket(connection, "2", "1", text("?"), Some(other)).await.contact;
    let scopes = [Scope::ContactsRead, Scope::TicketsRead];
    let limited = stage.token(&scopes, &[mine]).await;
    let ask = async |path: String| stage.ask_as(&limited, Method::GET, &path, None).await;
    ask(format!("/contacts/{seen}")).await.is(200);
    ask(format!("/contacts/{hidden}")).await.is_problem(404, "not_found");
    ask(format!("/contacts/{hidden}/tickets")).await.is_problem(404, "not_found");
    let found = ask("/contacts?query=customer".to_owned()).await.is(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    stage.get(&format!("/contacts/{hidden}")).await.is(200);
}

#[tokio::test]
async fn a_contact_has_all_their_tickets() {
    let stage = Stage::new().await;
    let asked = stage.question().await;
    for number in 0..9 {
        let new = json!({"contact": asked.contact, "subject": format!("Call {number}")});
        stage.post("/tickets", new).await.is(201);
    }
    let tickets = stage.all(&format!("/contacts/{}/tickets", asked.contact), 4).await;
    assert_eq!(tickets.len(), 10);
    assert_eq!(tickets[0]["subject"], "Call 8");
    assert_eq!(tickets[9]["id"], asked.id.to_string());
    stage.get(&format!("/contacts/con_{}/tickets", asked.id.ulid())).await.is_problem(404, "not_found");
}
