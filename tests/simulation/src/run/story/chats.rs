//! What customers of the bot do in stories.

use serde_json::Value;

use super::steps::Teller;
use crate::cloud::Door;
use crate::history::{Deed, Remark, Said};
use crate::journey::{CHANGED, webhook, webhook_of};
use crate::platform::Written;

/// The place of what was said, and how the platform tells of it.
pub(super) type Message = (usize, Written);

impl Teller {
    /// A customer writes to the bot.
    pub(super) async fn writes(&self, chat: i64, text: &str, file: Option<&str>) -> Message {
        let said = Said { file: file.map(str::to_owned), ..Said::new(text, &format!("telegram {chat}")) };
        self.brings(chat, Door::Telegram, said).await
    }

    /// A customer writes to the bot while its receiver is of a version that does not understand it.
    pub(super) async fn writes_too_early(&self, chat: i64, text: &str) {
        let said = Said { kept: true, ..Said::new(text, &format!("telegram {chat}")) };
        self.brings(chat, Door::Older, said).await;
    }

    async fn brings(&self, chat: i64, door: Door, said: Said) -> Message {
        let written = self.0.cloud.bots.written(chat, &said.text, said.file.as_deref(), self.second());
        let place = self.0.history.say(Said { moved: self.0.cloud.bots.has_moved(chat), ..said });
        if webhook_of(&self.0, door, &written.update.to_string()).await {
            self.0.history.acknowledged(place);
        }
        (place, written)
    }

    /// A customer changes what they wrote to the bot.
    pub(super) async fn changes(&self, chat: i64, (place, written): &Message, text: &str) {
        let text = format!("{text}{CHANGED}");
        let update = self.0.cloud.bots.edited(chat, written.message, &text, self.second()).to_string();
        let edit = self.0.history.edit(*place, &text);
        if webhook(&self.0, &update).await {
            self.0.history.edit_acknowledged(edit);
        }
    }

    /// So many seconds after it was delivered, the platform delivers a message once more.
    pub(super) async fn repeats(&self, (place, written): &Message, seconds: u64) {
        self.0.history.repeated(*place, seconds);
        self.later(seconds).await;
        webhook(&self.0, &written.update.to_string()).await;
    }

    /// A customer blocks the bot, or no longer does.
    pub(super) async fn blocks(&self, chat: i64, blocked: bool) {
        let update = self.0.cloud.bots.blocked(chat, blocked, self.second());
        self.does(Deed::Blocks(blocked), chat, &update).await;
    }

    /// A customer reacts to what they wrote themselves, or to the bot's latest message.
    pub(super) async fn reacts(&self, chat: i64, own: Option<&Message>, emoji: &'static str) {
        let latest = self.0.cloud.bots.latest(chat).map(|message| (message, None));
        let Some((message, about)) = own.map(|(place, written)| (written.message, Some(*place))).or(latest)
        else {
            return;
        };
        let update = self.0.cloud.bots.reacted(chat, message, emoji, self.second());
        self.does(Deed::Reacts { message, emoji, about }, chat, &update).await;
    }

    async fn does(&self, deed: Deed, chat: i64, update: &Value) {
        let place = self.0.history.remark(Remark::new(deed, &format!("telegram {chat}"), update));
        if webhook(&self.0, &update.to_string()).await {
            self.0.history.remark_acknowledged(place);
        }
    }

    /// A customer presses a button under the bot's latest message.
    pub(super) async fn presses(&self, chat: i64, text: &str) {
        let Some(press) = self.0.cloud.bots.pressed(chat, text, self.second()) else { return };
        let said = Said {
            pressed: true,
            moved: self.0.cloud.bots.has_moved(chat),
            ..Said::new(text, &format!("telegram {chat}"))
        };
        let place = self.0.history.say(said);
        if webhook(&self.0, &press.to_string()).await {
            self.0.history.acknowledged(place);
        }
    }

    /// A group gets another id, of which the platform tells only when told to.
    pub(super) fn moves(&self, chat: i64) -> String {
        self.0.cloud.bots.moved(chat, self.second()).to_string()
    }

    /// The platform tells something.
    pub(super) async fn tells(&self, update: &str) {
        webhook(&self.0, update).await;
    }
}
