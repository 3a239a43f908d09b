//! An answer as a mail.

use desk::correspondence::{Correspondence, Mailbox as Named};
use desk::ids::ReplyId;

use super::compose::{self, ATTACHMENT_LIMIT, AutoSubmitted, Templates};
use super::{Mailbox, smtp, token};
use crate::Connection;
use crate::platform::{
    Accepted, Destination, File, Message, Outlets, Part, SendError, SendFailure, Unsendable,
};

/// A reply is one mail. What its files have above the limit goes as links.
pub(super) fn split(message: &Message) -> Vec<Part> {
    let sizes: Vec<u64> = message.files.iter().map(|file| file.size).collect();
    let attached = compose::attached(&sizes, ATTACHMENT_LIMIT);
    let (files, links) = attached.iter().enumerate().partition::<Vec<_>, _>(|(_, attached)| **attached);
    let positions = |files: Vec<(usize, &bool)>| files.into_iter().map(|(position, _)| position).collect();
    vec![Part {
        text: message.text.clone(),
        files: positions(files),
        links: positions(links),
        reply_to: message.reply_to.clone(),
    }]
}

/// Writes the mail and hands it over.
pub(super) async fn send(
    outlets: &Outlets,
    connection: &Connection,
    to: &Destination<'_>,
    part: &Part,
    files: Vec<File>,
) -> Result<Accepted, SendError> {
    let letter = letter(connection, to, part, files)?;
    let mail = compose::compose(&letter).map_err(|Unsendable { reason, detail }| SendError {
        class: SendFailure::Rejected,
        reason,
        detail,
    })?;
    let recipients: Vec<String> =
        letter.to.iter().chain(&letter.cc).map(|mailbox| mailbox.address.clone()).collect();
    if let Some(url) = connection.secret("smtp_url") {
        let envelope = smtp::Envelope {
            from: letter.from.address.clone(),
            to: recipients,
            message_id: letter.message_id.clone(),
        };
        let Accepted { message, left_out } = smtp::send(url, &envelope, &mail).await?;
        return Ok(Accepted { message: in_brackets(&message), left_out });
    }
    let Some(mailer) = &outlets.mailer else {
        return Err(SendError {
            class: SendFailure::Unauthorized,
            reason: "no_smtp_url",
            detail: "The connection has no `smtp_url`, so its mails have no way out.".to_owned(),
        });
    };
    let outside = mailer.send(&letter.from.address, &recipients, mail).await?;
    Ok(Accepted::by_all(in_brackets(outside.as_deref().unwrap_or(&letter.message_id))))
}

fn letter(
    connection: &Connection,
    to: &Destination<'_>,
    part: &Part,
    files: Vec<File>,
) -> Result<compose::Letter, SendError> {
    let rejected =
        |reason, detail: &str| SendError { class: SendFailure::Rejected, reason, detail: detail.to_owned() };
    let talk = to.correspondence.ok_or_else(|| rejected("no_conversation", "Nobody has written here."))?;
    let address = connection
        .text("address")
        .ok_or_else(|| rejected("no_address", "The connection has no `address`."))?;
    let (local, domain) = address
        .rsplit_once('@')
        .ok_or_else(|| rejected("no_address", "The connection's `address` is not an e-mail address."))?;
    let brand = to.sender_name.or_else(|| connection.text("from_name")).unwrap_or(&connection.name);
    let mark = token::mark(connection.secret("secret").unwrap_or_default(), to.conversation);
    let reply_to = connection
        .flag("plus_addressing")
        .then(|| Mailbox { name: Some(brand.to_owned()), address: format!("{local}+{mark}@{domain}") });
    let addressees = Addressees::of(to, talk, brand);
    let mut references = talk.references.clone();
    let in_reply_to = part.reply_to.as_deref().and_then(message_id).or_else(|| references.pop());
    Ok(compose::Letter {
        connection: connection.id,
        number: to.number,
        from: Mailbox { name: Some(brand.to_owned()), address: address.to_owned() },
        reply_to,
        to: addressees.to,
        cc: addressees.cc,
        subject: addressees.subject,
        text: part.text.clone().unwrap_or_default(),
        name: brand.to_owned(),
        templates: Templates {
            text: connection.text("template").map(str::to_owned),
            html: connection.text("html_template").map(str::to_owned),
        },
        message_id: own_message_id(to.reply, &mark, domain),
        in_reply_to,
        references,
        date: to.written_at,
        automatic: to.automatic.then_some(AutoSubmitted::AutoReplied),
        files,
        links: to.links.to_vec(),
    })
}

/// Whom a mail goes to, and about what.
struct Addressees {
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    subject: String,
}

impl Addressees {
    /// What the desk says by itself goes to the author alone and repeats nothing of theirs: whoever writes may name
    /// others in `Reply-To` and `Cc`, and put into the subject what the desk shall carry to them.
    fn of(to: &Destination<'_>, talk: &Correspondence, brand: &str) -> Self {
        if to.automatic {
            let author = talk.participants.first().map(mailbox);
            let subject = format!("[#{}] {brand}", to.number);
            return Self { to: author.into_iter().collect(), cc: Vec::new(), subject };
        }
        Self {
            to: talk.answer_to.iter().map(mailbox).collect(),
            cc: talk.copies.iter().map(mailbox).collect(),
            subject: talk.subject.clone(),
        }
    }
}

/// The same for every attempt to send a reply, so that a mail that went out twice is one to whoever gets it.
fn own_message_id(reply: ReplyId, mark: &str, domain: &str) -> String {
    format!("{}.{mark}@{domain}", reply.ulid().to_string().to_lowercase())
}

/// A Message-ID as messages are known by it.
fn in_brackets(id: &str) -> String {
    format!("<{id}>")
}

/// The Message-ID that a message is known by, unless it is known by something else.
fn message_id(message: &str) -> Option<String> {
    Some(message.strip_prefix('<')?.strip_suffix('>')?.to_owned())
}

fn mailbox(named: &Named) -> Mailbox {
    Mailbox { name: named.name.clone(), address: named.address.clone() }
}
