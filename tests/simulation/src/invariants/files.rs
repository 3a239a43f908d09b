//! Every file of a message is stored whole in the end: no platform of the simulation says anything against one.

use desk::event::{Event, Fact};
use desk::message::Attachment;
use store::attachments::FileState;

use super::picture::Picture;
use crate::journey::Stage;
use crate::platform::contents;

pub(super) async fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    for (ticket, case) in &picture.cases {
        for event in &case.events {
            let Some(said) = event.content.said() else { continue };
            if matches!(event.fact, Fact::MessageReceived(_)) {
                expected(event, said.message.text.as_deref(), &said.message.attachments, stage, broken);
            }
            for attachment in &said.message.attachments {
                if let Err(what) = stored(picture, stage, attachment).await {
                    let name = attachment.name.as_deref().unwrap_or_default();
                    broken.push(format!("the file `{name}` of event {} on {ticket} {what}", event.seq));
                }
            }
        }
    }
}

/// A message has the file that was sent with it.
fn expected(
    event: &Event,
    text: Option<&str>,
    files: &[Attachment],
    stage: &Stage,
    broken: &mut Vec<String>,
) {
    let history = stage.history.state();
    let said = history.said.iter().find(|said| Some(said.text.as_str()) == text.map(str::trim));
    let Some(said) = said else { return };
    let names: Vec<Option<&str>> = files.iter().map(|file| file.name.as_deref()).collect();
    let wanted: Vec<Option<&str>> = said.file.iter().map(|name| Some(name.as_str())).collect();
    if names != wanted {
        broken.push(format!("`{}` came as event {} with the files {names:?}", said.text, event.seq));
    }
}

/// What becomes of a file in the end.
async fn stored(picture: &Picture, stage: &Stage, attachment: &Attachment) -> Result<(), String> {
    let id = attachment.id.ok_or("has no id")?;
    let file = picture.files.iter().find(|file| file.id == id).ok_or("was never stored")?;
    let wanted = contents(attachment.name.as_deref().unwrap_or_default());
    match (file.state, file.reason.as_deref()) {
        (FileState::Stored, None) => {
            let bytes = stage.cloud.object(&file.key).await.ok_or("is stored nowhere")?;
            let whole = bytes == wanted && file.size == wanted.len() as u64 && file.ticket.is_some();
            if whole { Ok(()) } else { Err(format!("is stored as {} bytes: {file:?}", bytes.len())) }
        }
        (state, reason) => Err(format!("is {state:?}, because of {reason:?}")),
    }
}
