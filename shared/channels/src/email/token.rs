//! Our own signed marks in mails: they say which conversation an answer belongs to, and nobody else can make them.
//!
//! A mark stands in the Message-ID of every mail of ours, which answers repeat in `References`, and, where the
//! provider takes plus-addresses, in `Reply-To`. It survives mail servers that change upper and lower case.

use desk::ids::ReplyId;
use desk::inbound::Marked;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::Connection;

/// How many bytes of a signature a mark carries: enough against guessing, short enough for an address.
const SIGNATURE: usize = 10;

/// The mark of a conversation.
pub(super) fn mark(secret: &str, conversation: &str) -> String {
    format!("{conversation}-{}", signature(secret, conversation))
}

/// The conversation that a mark names, if we made it.
pub(super) fn open<'a>(secret: &str, mark: &'a str) -> Option<&'a str> {
    let (conversation, signed) = mark.rsplit_once('-')?;
    let expected = signature(secret, conversation);
    bool::from(expected.as_bytes().ct_eq(signed.as_bytes())).then_some(conversation)
}

/// The conversation that a plus-address of ours names: `support+<mark>@example.org`.
pub(super) fn in_address(secret: &str, address: &str) -> Option<String> {
    let (local, _) = address.rsplit_once('@')?;
    let (_, mark) = local.rsplit_once('+')?;
    open(secret, &mark.to_ascii_lowercase()).map(str::to_owned)
}

/// The conversation that a Message-ID of ours names: `<reply>.<mark>@example.org`.
pub(super) fn in_message_id(secret: &str, id: &str) -> Option<String> {
    let (local, _) = id.rsplit_once('@')?;
    let (_, mark) = local.rsplit_once('.')?;
    open(secret, &mark.to_ascii_lowercase()).map(str::to_owned)
}

/// The reply that a Message-ID of ours names.
pub fn marked_reply(connection: &Connection, id: &str) -> Option<Marked> {
    let conversation = in_message_id(connection.secret("secret")?, id)?;
    let (reply, _) = id.split_once('.')?;
    let reply = reply.to_ascii_uppercase().parse().ok()?;
    Some(Marked { conversation, reply: ReplyId::new(reply) })
}

fn signature(secret: &str, conversation: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(b"conversation\n");
    mac.update(conversation.as_bytes());
    mac.finalize().into_bytes().iter().take(SIGNATURE).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_marks_open() {
        let mark = mark("secret", "c0ffee");
        assert_eq!(open("secret", &mark), Some("c0ffee"));
        assert_eq!(open("other", &mark), None);
        assert_eq!(open("secret", &mark.replace("c0ffee", "c0ffed")), None);
        for forged in ["", "-", "c0ffee", "c0ffee-", "c0ffee-00000000000000000000"] {
            assert_eq!(open("secret", forged), None, "{forged}");
        }
        let shouted = format!("Support+{}@Example.org", mark.to_uppercase());
        assert_eq!(in_address("secret", &shouted).as_deref(), Some("c0ffee"));
        assert_eq!(in_message_id("secret", &format!("01arz.{mark}@x")).as_deref(), Some("c0ffee"));
        assert_eq!(in_message_id("secret", "mark@x"), None);
    }
}
