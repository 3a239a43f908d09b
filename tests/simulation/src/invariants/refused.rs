//! What was refused because its customer had blocked the bot did not arrive, and its reply says so.

use std::collections::BTreeMap;

use desk::reply::{Delivery, Reply};

use super::picture::Picture;
use crate::journey::Stage;

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let refused = stage.cloud.bots.refused();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, text) in &refused {
        // What has no text is the file of a reply that has one, which was not refused.
        if let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) {
            *times.entry(line).or_default() += 1;
        }
    }
    for (line, times) in times {
        let says = |reply: &&Reply| {
            let mut lines = reply.content.text.as_deref().unwrap_or_default().lines();
            reply.thread.channel.as_str() == "telegram" && lines.any(|one| one.trim() == line)
        };
        let replies: Vec<&Reply> = picture.replies.iter().filter(says).collect();
        let ended = |reply: &&&Reply| matches!(reply.state, Delivery::Failed | Delivery::Uncertain);
        if replies.iter().filter(ended).count() < times {
            broken.push(format!("`{line}` was refused {times} times, which its replies do not say"));
        }
        if let [reply] = replies.as_slice()
            && reply.state == Delivery::Failed
            && reply.reason.as_deref() != Some("blocked")
        {
            broken.push(format!("`{line}` was refused, and failed because of {:?}", reply.reason));
        }
    }
}
