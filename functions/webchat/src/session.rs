//! Sessions: who a visitor is, and whether they signed in at the shop.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use channels::webchat::pass::Pass;
use channels::webchat::statement::{self, Statement};
use desk::channel::ThreadKey;
use desk::ids::{ContactId, VisitorId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::contacts::{Contact, ContactSearch};
use store::keys;
use store::table::{Condition, Item, TableError, Write};

use crate::body::Body;
use crate::edge::Line;
use crate::limits::Deed;
use crate::problem::Problem;
use crate::{Shared, Sockets, Webchat};

/// How long a used statement is remembered after its end: clocks differ.
const AFTERWARDS: SignedDuration = SignedDuration::from_mins(5);
/// How often a widget asks for news, in seconds: without pushes, and beside them.
const ALONE: u32 = 5;
const BESIDE: u32 = 60;

/// Who somebody says they are.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// The visitor's earlier token.
    #[serde(default)]
    token: Option<String>,
    /// What the shop's server says of the visitor.
    #[serde(default)]
    identity: Option<String>,
}

/// A session.
#[derive(Debug, Serialize)]
pub(crate) struct Session {
    token: String,
    expires_at: Timestamp,
    visitor: VisitorId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    live: Option<String>,
    polling_seconds: u32,
    online: bool,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    greeting: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<&'static str>,
    /// Whether nobody answers now and the answer goes to the address that the visitor left.
    by_mail: bool,
}

/// `POST /webchat/<connection>/session`
pub(crate) async fn begin(
    State(chat): State<Shared>,
    line: Line,
    Body(asked): Body<Asked>,
) -> Result<Json<Session>, Problem> {
    chat.limit(Deed::Session, None, line.from).await?;
    let now = chat.desk.now();
    let connection = &line.known.open;
    let earlier = match &asked.token {
        Some(token) => Some(Pass::remember(connection, token, now).map_err(|_| Problem::invalid_token())?),
        None => None,
    };
    let earlier = match earlier {
        Some(pass) => chat.still(&line, pass).await?,
        None => None,
    };
    let pass = match &asked.identity {
        Some(identity) => chat.sign_in(&line, identity, earlier, now).await?,
        None => match earlier {
            Some(pass) => Pass::new(connection, pass.visitor, pass.login, pass.name, now),
            None => {
                let visitor = VisitorId::new(chat.desk.environment().ulid());
                Pass::new(connection, visitor, None, None, now)
            }
        },
    };
    chat.session(&line, pass).await.map(Json)
}

impl Webchat {
    /// The visitor of an earlier token, unless they have signed in since: then that token is an anonymous one for
    /// somebody's own conversation, and goes on as nobody.
    async fn still(&self, line: &Line, pass: Pass) -> Result<Option<Pass>, Problem> {
        let bound = self.desk.visitor(line.known.open.id, pass.visitor).await?;
        let same = bound.is_none_or(|visitor| Some(visitor.login) == pass.login);
        Ok(same.then_some(pass))
    }

    /// Signs a visitor in with what the shop's server says.
    async fn sign_in(
        &self,
        line: &Line,
        identity: &str,
        earlier: Option<Pass>,
        now: Timestamp,
    ) -> Result<Pass, Problem> {
        let refused = |detail: String| Problem::new(StatusCode::UNAUTHORIZED, "invalid_identity", detail);
        let connection = &line.known.open;
        let said = statement::read(connection, identity, now).map_err(|error| refused(error.to_string()))?;
        // Who is signed in as this person already gains nothing by saying it again.
        let known = earlier.as_ref().is_some_and(|pass| pass.login.as_ref() == Some(&said.login));
        if !known && !self.first_use(line, &said).await? {
            return Err(refused("Its `jti` was used before.".to_owned()));
        }
        let present = earlier.map(|pass| pass.visitor);
        let thread_of = |visitor: VisitorId| connection.thread(visitor.to_string());
        let visitor = self.desk.sign_in(thread_of, &said.login, present).await?;
        let pass = Pass::new(connection, visitor, Some(said.login), said.name, now);
        let (thread, sender) = (thread_of(visitor), pass.sender());
        self.desk.adopt(&thread, &sender).await?;
        if let Some(email) = &said.email
            && !self.desk.is_own_address(email).await?
        {
            self.desk.leave_address(&thread, email).await?;
            let known = self.contact_of(&thread, &pass).await?.map(|contact| contact.id);
            self.introduce(&pass, known, Some(email)).await?;
        }
        Ok(pass)
    }

    /// Notes that a statement was used. False when it was used before.
    async fn first_use(&self, line: &Line, said: &Statement) -> Result<bool, Problem> {
        let key = keys::used_statement(line.known.open.id, &said.id);
        let mut used = Item::new(key, &serde_json::json!({}))?;
        used.expires_at = Some(said.expires.saturating_add(AFTERWARDS).unwrap_or(Timestamp::MAX).as_second());
        match self.index.write(vec![Write::Put(used, Condition::Absent)]).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The contact of a visitor, if they have one: that of the conversation, else that of the login.
    pub(crate) async fn contact_of(
        &self,
        thread: &ThreadKey,
        pass: &Pass,
    ) -> Result<Option<Contact>, Problem> {
        let sender = pass.sender();
        let id = match self.desk.thread(thread).await? {
            Some(thread) => Some(thread.contact),
            None => self.desk.contact_by_identity(&sender.kind, &sender.address).await?,
        };
        match id {
            Some(id) => Ok(self.desk.contact(id).await?),
            None => Ok(None),
        }
    }

    /// Takes in what a visitor says of themselves, and makes them findable by it.
    pub(crate) async fn introduce(
        &self,
        pass: &Pass,
        known: Option<ContactId>,
        email: Option<&str>,
    ) -> Result<(), Problem> {
        let contact = self.desk.introduce(&pass.sender(), known, email, self.desk.now()).await?;
        if let Some(contact) = self.desk.contact(contact).await? {
            let search = ContactSearch::new(std::sync::Arc::clone(&self.index));
            if let Err(error) = search.add(&contact).await {
                tracing::warn!(contact = %contact.id, %error, "a contact is not found by its address yet");
            }
        }
        Ok(())
    }

    async fn session(&self, line: &Line, pass: Pass) -> Result<Session, Problem> {
        let connection = &line.known.open;
        let token =
            pass.sign(connection).ok_or_else(|| Problem::internal("a connection without a secret"))?;
        let online = self.is_online().await?;
        let thread = connection.thread(pass.visitor.to_string());
        let contact = self.contact_of(&thread, &pass).await?;
        let has_address = self.desk.left_address(&thread).await?.is_some();
        // What is asked for must be of use: a desk without mail answers here.
        let can_mail = !online && self.desk.mails_of(&connection.settings).await?.is_some();
        let text = |name: &str| connection.text(name).map(str::trim).filter(|text| !text.is_empty());
        let live = match &self.sockets {
            Sockets::Nowhere => None,
            Sockets::Here => {
                // `http` becomes `ws` and `https` becomes `wss`.
                let host = line.base.strip_prefix("http").unwrap_or_default();
                Some(format!("ws{host}/webchat/{}/live", connection.id))
            }
            Sockets::At(url) => Some(url.clone()),
        };
        Ok(Session {
            token,
            expires_at: pass.expires_at(),
            visitor: pass.visitor,
            name: pass.name.or_else(|| contact.and_then(|contact| contact.name)),
            polling_seconds: if live.is_some() { BESIDE } else { ALONE },
            live,
            online,
            title: text("title").unwrap_or(&connection.name).to_owned(),
            greeting: text("greeting").map(str::to_owned),
            form: (can_mail && !has_address).then_some("email"),
            by_mail: can_mail && has_address,
        })
    }

    /// Whether somebody answers now: in the working hours of any calendar, or always without one.
    async fn is_online(&self) -> Result<bool, Problem> {
        let now = self.desk.now();
        let soon = now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now);
        let settings = self.desk.settings().await?;
        let calendars = &settings.calendars;
        Ok(calendars.is_empty() || calendars.iter().any(|calendar| calendar.between(now, soon) > 0))
    }
}
