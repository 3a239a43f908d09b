//! What can go wrong at a platform, planned in advance.

use std::collections::VecDeque;
use std::time::Duration;

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `retry_after` in seconds.
    TooManyRequests(u32),
    /// 500 in the platform's own form.
    Internal,
    /// 502 with a page of HTML, from something in front of the platform.
    BadGateway,
    /// 401, as if the token had been revoked.
    Unauthorized,
    /// Another 400 or 403 with this description.
    Refused(u16, &'static str),
    /// The request is taken and never answered. Nothing happens.
    Hang,
    /// What was asked happens, and then the connection is reset.
    ResetAfterAccepting,
    /// Answered properly, but late.
    Slow(Duration),
}

/// The faults that are still to come, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<Planned>);

#[derive(Debug)]
struct Planned {
    method: String,
    chat: Option<i64>,
    fault: Fault,
}

impl Faults {
    /// Has the next matching request go wrong, after the faults that were planned before.
    pub(crate) fn plan(&mut self, method: &str, chat: Option<i64>, fault: Fault) {
        self.0.push_back(Planned { method: method.to_owned(), chat, fault });
    }

    /// The fault for a request, if one is due. `send` stands for every method that sends something.
    pub(crate) fn next(&mut self, method: &str, chat: Option<i64>) -> Option<Fault> {
        let matches = |planned: &Planned| {
            let method_matches = planned.method == method
                || (planned.method == "send" && method.starts_with("send") && method != "sendChatAction");
            method_matches && (planned.chat.is_none() || planned.chat == chat)
        };
        let position = self.0.iter().position(matches)?;
        self.0.remove(position).map(|planned| planned.fault)
    }

    /// How many are still to come.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
