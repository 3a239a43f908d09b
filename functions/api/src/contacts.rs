//! The people who write.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use desk::access::Scope;
use desk::ids::ContactId;
use serde::Deserialize;
use store::contacts::{Contact, ContactSearch};
use utoipa::IntoParams;

use crate::Shared;
use crate::access::{Access, ContactsRead, TicketsRead};
use crate::page::{Page, Paging, cursor};
use crate::parameters::{Parameters, Place, parsed};
use crate::problem::Problem;
use crate::routes::{Routes, routes};
use crate::tickets::view::TicketView;

/// How many rounds of the search are made for one page when much of what it finds does not match.
const ROUNDS: usize = 20;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(find)).routes(routes!(show)).routes(routes!(tickets))
}

/// Which contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Words, each of which begins a word of the name, a handle or an address.
    #[param(required = true)]
    query: Option<String>,
    /// How many entries, 1 to 100; 25 by default.
    #[serde(default, deserialize_with = "parsed")]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Where an earlier page ended.
    cursor: Option<String>,
}

/// Contacts by name, handle or address.
#[utoipa::path(
    get, path = "/contacts", operation_id = "find_contacts", tag = "contacts",
    params(Search),
    responses((status = OK, body = Page<Contact>)),
    security(("token" = ["contacts:read"])),
)]
async fn find(
    State(api): State<Shared>,
    access: Access<ContactsRead>,
    Parameters(search): Parameters<Search>,
) -> Result<Json<Page<Contact>>, Problem> {
    let Some(query) = search.query.filter(|query| query.chars().any(char::is_alphanumeric)) else {
        let detail = "The parameter `query` is needed, with at least one letter or digit.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail));
    };
    let list = format!("contacts with {query}");
    let paging = Paging { limit: search.limit, cursor: search.cursor };
    let (limit, mut position) = (paging.limit()?, paging.position(&api.key, &list)?);
    let index = ContactSearch::new(std::sync::Arc::clone(&api.index));
    let mut items: Vec<Contact> = Vec::new();
    for _ in 0..ROUNDS {
        let hits = index.find(&query, position.take(), limit - items.len()).await?;
        for hit in hits.items {
            // The index may remember who is no more, and finds by one word only.
            if let Some(contact) = access.contact_if_any(hit.contact).await?
                && contact.is_hit(&query, &hit.word)
            {
                items.push(contact);
            }
        }
        position = hits.next;
        if position.is_none() || items.len() >= limit {
            break;
        }
    }
    Ok(Json(Page { items, next_cursor: position.map(|next| cursor(&api.key, &list, &next)) }))
}

/// One contact.
#[utoipa::path(
    get, path = "/contacts/{id}", operation_id = "get_contact", tag = "contacts",
    params(("id" = ContactId, Path, description = "The contact.")),
    responses((status = OK, body = Contact)),
    security(("token" = ["contacts:read"])),
)]
async fn show(access: Access<ContactsRead>, Place(id): Place<String>) -> Result<Json<Contact>, Problem> {
    Ok(Json(access.contact(&id).await?))
}

/// A contact's tickets on all channels, the newest first.
#[utoipa::path(
    get, path = "/contacts/{id}/tickets", operation_id = "list_contact_tickets", tag = "contacts",
    params(("id" = ContactId, Path, description = "The contact."), Paging),
    responses((status = OK, body = Page<TicketView>)),
    security(("token" = ["contacts:read", "tickets:read"])),
)]
async fn tickets(
    State(api): State<Shared>,
    access: Access<TicketsRead>,
    Place(id): Place<String>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Json<Page<TicketView>>, Problem> {
    access.also(Scope::ContactsRead)?;
    let contact = access.contact(&id).await?.id;
    let list = format!("tickets of {contact}");
    let (limit, position) = (paging.limit()?, paging.position(&api.key, &list)?);
    let found = access.contact_tickets(contact, position, limit).await?;
    Ok(Json(Page {
        items: found.items.iter().map(TicketView::from).collect(),
        next_cursor: found.next.map(|next| cursor(&api.key, &list, &next)),
    }))
}
