//! The HTTP side: who may call, what goes wrong on the way, and the log of it all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::account::{Account, Call};
use super::answer::{Refusal, success};
use super::fault::Fault;
use super::parameters::Parameters;
use super::wire::Scissors;

/// The longest long poll, in seconds.
const MAX_POLL: i64 = 50;

/// What all handlers share.
#[derive(Debug, Default)]
pub(crate) struct Platform {
    accounts: Mutex<Vec<Account>>,
    /// Rings when there are updates to take.
    pub(crate) news: Notify,
}

impl Platform {
    pub(crate) fn accounts(&self) -> MutexGuard<'_, Vec<Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the account of a bot.
    pub(crate) fn with<T>(&self, bot: i64, act: impl FnOnce(&mut Account) -> T) -> T {
        let mut accounts = self.accounts();
        let account =
            accounts.iter_mut().find(|account| account.id == bot).expect("the bot was made by this platform");
        act(account)
    }
}

pub(crate) fn router(platform: Arc<Platform>) -> Router {
    Router::new().fallback(handle).layer(DefaultBodyLimit::disable()).with_state(platform)
}

async fn handle(
    State(platform): State<Arc<Platform>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    if let Some((token, path)) = path.strip_prefix("/file/bot").and_then(|rest| rest.split_once('/')) {
        return platform.download(token, path).unwrap_or_else(IntoResponse::into_response);
    }
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
        return Refusal::not_found().into_response();
    };
    let Ok(bot) = platform.authenticate(token) else { return Refusal::unauthorized().into_response() };
    let parameters = match Parameters::read(request).await {
        Ok(parameters) => parameters,
        Err(refusal) => return refusal.into_response(),
    };
    let response = platform.answer(bot, method, &parameters, &scissors).await;
    platform.log(bot, method, parameters, response.status());
    response
}

impl Platform {
    fn authenticate(&self, token: &str) -> Result<i64, Refusal> {
        let accounts = self.accounts();
        accounts
            .iter()
            .find(|account| account.token == token)
            .map(|known| known.id)
            .ok_or_else(Refusal::unauthorized)
    }

    fn download(&self, token: &str, path: &str) -> Result<Response, Refusal> {
        let bot = self.authenticate(token)?;
        let bytes = self.with(bot, |account| {
            account.files.values().find(|file| file.path == path).map(|file| file.bytes.clone())
        });
        let bytes = bytes.ok_or_else(Refusal::not_found)?;
        Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from(bytes)).into_response())
    }

    async fn answer(&self, bot: i64, method: &str, parameters: &Parameters, scissors: &Scissors) -> Response {
        let chat = parameters.integer("chat_id").ok().flatten();
        match self.with(bot, |account| account.faults.next(method, chat)) {
            None => self.proper(bot, method, parameters).await,
            Some(Fault::TooManyRequests(seconds)) => Refusal::too_many_requests(seconds).into_response(),
            Some(Fault::Internal) => Refusal::new(500, "Internal Server Error").into_response(),
            Some(Fault::BadGateway) => {
                (StatusCode::BAD_GATEWAY, Html("<html><body><h1>502 Bad Gateway</h1></body></html>"))
                    .into_response()
            }
            Some(Fault::Unauthorized) => Refusal::unauthorized().into_response(),
            Some(Fault::Refused(code, description)) => Refusal::new(code, description).into_response(),
            Some(Fault::Hang) => {
                // Logged here, because this handler never comes back.
                self.log(bot, method, parameters.clone(), StatusCode::OK);
                std::future::pending().await
            }
            Some(Fault::ResetAfterAccepting) => {
                let response = self.proper(bot, method, parameters).await;
                scissors.cut();
                response
            }
            Some(Fault::Slow(pause)) => {
                tokio::time::sleep(pause).await;
                self.proper(bot, method, parameters).await
            }
        }
    }

    async fn proper(&self, bot: i64, method: &str, parameters: &Parameters) -> Response {
        let result = match method {
            "getUpdates" => self.get_updates(bot, parameters).await,
            _ => self.with(bot, |account| account.call(method, parameters)),
        };
        match result {
            Ok(result) => success(&result),
            Err(refusal) => refusal.into_response(),
        }
    }

    /// Long polling: what is pending from `offset` on, or a wait until there is something.
    async fn get_updates(&self, bot: i64, parameters: &Parameters) -> Result<Value, Refusal> {
        parameters.only(&["offset", "limit", "timeout", "allowed_updates"])?;
        let offset = parameters.integer("offset")?.unwrap_or_default();
        let limit = parameters.integer("limit")?.unwrap_or(100);
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
        let limit = limit.ok_or_else(|| Refusal::bad("limit must be from 1 to 100"))?;
        let wait = parameters.integer("timeout")?.unwrap_or_default().clamp(0, MAX_POLL);
        let deadline = Instant::now() + Duration::from_secs(wait.unsigned_abs());
        let poll = self.with(bot, |account| {
            account.allow(parameters)?;
            account.pending.retain(|update| offset <= 0 || update["update_id"].as_i64() >= Some(offset));
            account.poll += 1;
            Ok::<_, Refusal>(account.poll)
        })?;
        self.news.notify_waiters();
        loop {
            // Registered before looking, so that nothing is missed in between.
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            let found = self.with(bot, |account| {
                if account.webhook.is_some() {
                    let reason = "can't use getUpdates method while webhook is active";
                    return Err(Refusal::new(409, format!("Conflict: {reason}; use deleteWebhook first")));
                }
                if account.poll != poll {
                    return Err(Refusal::new(409, "Conflict: terminated by other getUpdates request"));
                }
                Ok(account.pending.iter().take(limit).cloned().collect::<Vec<_>>())
            })?;
            if !found.is_empty() || timeout_at(deadline, news).await.is_err() {
                return Ok(json!(found));
            }
        }
    }

    fn log(&self, bot: i64, method: &str, parameters: Parameters, status: StatusCode) {
        let chat = parameters.integer("chat_id").ok().flatten();
        let Parameters { values, uploads } = parameters;
        let call = Call { method: method.to_owned(), chat, values, uploads, status: status.as_u16() };
        self.with(bot, |account| account.calls.push(call));
    }
}
