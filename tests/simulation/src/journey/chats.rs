//! Customers who write to the bot.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::customers::{Brought, Habits, OVER, bring};
use super::writers::webhook;
use super::{Stage, pause};
use crate::chance::Chance;
use crate::history::{Deed, Remark, Said};

/// What customers add when they change a message.
pub const CHANGED: &str = ", changed";

/// A customer who writes in a chat, or in a group whose id is negative. Returns the deliveries that are still to be
/// repeated.
pub async fn write_messages(
    stage: Stage,
    chat: i64,
    habits: Habits,
    chance: Arc<Chance>,
) -> Vec<JoinHandle<()>> {
    let (by, bots) = (format!("telegram {chat}"), Arc::clone(&stage.cloud.bots));
    let mut repetitions = Vec::new();
    for number in 1..=habits.messages {
        pause(&chance, &habits.pauses).await;
        if habits.returns && number == habits.messages {
            tokio::time::sleep(OVER).await;
        }
        let second = stage.cloud.hours.now().as_second();
        if habits.moves && chat < 0 && number == 2 {
            stage.cloud.trace.note(&format!("the group {chat} becomes a supergroup"));
            webhook(&stage, &bots.moved(chat, second).to_string()).await;
        }
        let text = format!("Question {number} of chat {chat}");
        let file = chance.happens(habits.files).then(|| format!("{text}.txt"));
        let written = bots.written(chat, &text, file.as_deref(), second);
        let kept = file.is_none() && chance.happens(habits.kept);
        let place = stage.history.say(Said {
            file: file.clone(),
            kept,
            moved: bots.has_moved(chat),
            ..Said::new(&text, &by)
        });
        let update = written.update.to_string();
        let update = if kept { Brought::Kept(update) } else { Brought::Update(update) };
        repetitions.extend(bring(&stage, &chance, habits.repeated, update, place).await);
        if file.is_none() && !kept && chance.happens(habits.edited) {
            let text = format!("{text}{CHANGED}");
            let update = bots.edited(chat, written.message, &text, second + 5).to_string();
            let edit = stage.history.edit(place, &text);
            // Sometimes it comes twice, as long as the desk remembers deliveries.
            for _ in 0..=u64::from(chance.happens(habits.repeated)) {
                if webhook(&stage, &update).await {
                    stage.history.edit_acknowledged(edit);
                }
            }
        }
        if !kept && chance.happens(habits.reactions) {
            pause(&chance, &[0, 40]).await;
            let latest = bots.latest(chat).filter(|_| chance.happens(500));
            let (message, about) = latest.map_or((written.message, Some(place)), |message| (message, None));
            let emoji = chance.pick(&["👍", "❤", "🤔"]).copied().unwrap_or("👍");
            let update = bots.reacted(chat, message, emoji, stage.cloud.hours.now().as_second());
            let remark = Remark::new(Deed::Reacts { message, emoji, about }, &by, &update);
            tell(&stage, &chance, &habits, remark, &update).await;
        }
        if chance.happens(habits.presses) {
            pause(&chance, &[1, 40]).await;
            let text = format!("Press {number} of chat {chat}");
            if let Some(press) = bots.pressed(chat, &text, stage.cloud.hours.now().as_second()) {
                let place = stage.history.say(Said {
                    pressed: true,
                    moved: bots.has_moved(chat),
                    ..Said::new(&text, &by)
                });
                let update = Brought::Update(press.to_string());
                repetitions.extend(bring(&stage, &chance, habits.repeated, update, place).await);
            }
        }
        if habits.blocks && chat > 0 && chance.happens(300) {
            for blocked in [true, false] {
                let update = bots.blocked(chat, blocked, stage.cloud.hours.now().as_second());
                tell(&stage, &chance, &habits, Remark::new(Deed::Blocks(blocked), &by, &update), &update)
                    .await;
                pause(&chance, if blocked { &[60, 7200] } else { &[0] }).await;
            }
        }
    }
    repetitions
}

/// Tells of something that is no message. Sometimes it comes twice, as long as the desk remembers deliveries.
async fn tell(stage: &Stage, chance: &Chance, habits: &Habits, remark: Remark, update: &Value) {
    let place = stage.history.remark(remark);
    for _ in 0..=u64::from(chance.happens(habits.repeated)) {
        if webhook(stage, &update.to_string()).await {
            stage.history.remark_acknowledged(place);
        }
    }
}
