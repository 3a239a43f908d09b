//! A mail as something that happened in a conversation, as far as the mail itself tells.

use desk::channel::ChannelClass;
use desk::correspondence::{Authenticity, Letter, Letterhead, Mailbox as Named, number_in, same_mailbox};
use desk::inbound::{Happened, Inbound, Sender};
use desk::message::{Attachment, AttachmentKind, MessageContent};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::arrival;
use super::token::{in_address, in_message_id, marked_reply};
use super::{Arrival, Automatic, Bounce, Complaint, Mail, Mailbox, ReturnPath, Verdict, attachment_kind};
use crate::Connection;

/// The longest history or signature that an event holds, in bytes.
const MAX_FOLDED: usize = 16 * 1024;
/// The most recipients that an event holds.
const MAX_SHOWN: usize = 50;

/// The most addresses that an answer goes to, besides its copies.
const MAX_ANSWERED: usize = 10;

/// What a mail to a connection says.
pub(super) fn take_in(connection: &Connection, body: &[u8], received_at: Timestamp) -> Inbound {
    let mut mail = super::read(body);
    let id = identity(&mail, received_at);
    let conversation: String = id.chars().take(20).collect();
    let sender = sender(&mail, &conversation);
    let secret = connection.secret("secret").unwrap_or_default();
    let happened = match report(connection, &mail) {
        Some(mut report) => {
            if let Happened::Undelivered { content: body, .. } = &mut report {
                *body = Some(Box::new(content(&mut mail)));
            }
            report
        }
        None => Happened::Message { id: format!("mail:{id}"), content: content(&mut mail), album: None },
    };
    let letter = letter(connection, secret, mail);
    Inbound {
        thread: connection.thread(conversation),
        class: ChannelClass::Email,
        key: format!("mail:{id}"),
        at: received_at,
        sender,
        happened,
        raw: None,
        letter: Some(Box::new(letter)),
        numbered_in: None,
    }
}

/// Who wrote a mail. Whoever gives a name and no address can only be known by the conversation.
fn sender(mail: &Mail, conversation: &str) -> Option<Sender> {
    let (address, name) = match (mail.from.first(), &mail.author) {
        (Some(from), _) => (from.address.to_lowercase(), from.name.clone()),
        (None, Some(author)) => (conversation.to_owned(), Some(author.clone())),
        (None, None) => return None,
    };
    Some(Sender { kind: "email".to_owned(), address, name, username: None, language: None, phone: None })
}

/// What makes two deliveries the same mail: the Message-ID alone is neither unique nor always there. Nothing that
/// servers add on the way counts, and the envelope's sender only where the mail has neither an id nor a date.
fn identity(mail: &Mail, received_at: Timestamp) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update(text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    part(mail.message_id.as_deref().unwrap_or_default());
    part(&mail.date.map_or_else(String::new, |date| date.to_string()));
    if mail.message_id.is_none() && mail.date.is_none() {
        // Two mails without any mark may well say the same on different days, or come from different hosts.
        part(&received_at.to_string().chars().take(10).collect::<String>());
        match &mail.arrival.envelope_from {
            Some(ReturnPath::Address(address)) => part(&address.to_lowercase()),
            Some(ReturnPath::Null) => part("<>"),
            None => part(""),
        }
    }
    for from in &mail.from {
        part(&from.address);
    }
    part(&mail.subject);
    part(&mail.text);
    part(mail.quoted.as_deref().unwrap_or_default());
    part(mail.html.as_deref().unwrap_or_default());
    for file in &mail.attachments {
        part(&file.name);
        part(&file.size.to_string());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a report about a mail of ours says, if the mail is one.
fn report(connection: &Connection, mail: &Mail) -> Option<Happened> {
    if let Some(Complaint { kind, recipients, original_message_id, original_references }) = &mail.complaint {
        return Some(Happened::Undelivered {
            ids: original_message_id.iter().chain(original_references).cloned().collect(),
            addresses: recipients.clone(),
            permanent: true,
            reason: "complained".to_owned(),
            detail: format!("The recipient reported the mail to their provider: {kind}."),
            delayed: false,
            reply: original_message_id.as_ref().and_then(|id| marked_reply(connection, id)),
            content: None,
        });
    }
    let Bounce { recipients, original_message_id, original_references, .. } = mail.bounce.as_ref()?;
    let with = |action: &str| recipients.iter().filter(|it| it.action == action).collect::<Vec<_>>();
    let failed = with("failed");
    let delayed = failed.is_empty();
    let reported = if delayed { with("delayed") } else { failed };
    if reported.is_empty() {
        return None;
    }
    let said = reported.iter().filter_map(|recipient| {
        let words = recipient.diagnostic.clone().or_else(|| recipient.status.clone())?;
        Some(format!("{}: {words}", recipient.address))
    });
    let detail = said.collect::<Vec<_>>().join("; ");
    Some(Happened::Undelivered {
        ids: original_message_id.iter().chain(original_references).cloned().collect(),
        addresses: reported.iter().map(|recipient| recipient.address.clone()).collect(),
        permanent: !delayed && reported.iter().all(|recipient| recipient.permanent),
        reason: if delayed { "delayed" } else { "bounced" }.to_owned(),
        detail: match (detail.is_empty(), delayed) {
            (false, _) => detail,
            (true, true) => "A mail server has not delivered it yet.".to_owned(),
            (true, false) => "A mail server could not deliver it.".to_owned(),
        },
        delayed,
        reply: original_message_id.as_ref().and_then(|id| marked_reply(connection, id)),
        content: None,
    })
}

fn content(mail: &mut Mail) -> MessageContent {
    let text = std::mem::take(&mut mail.text);
    let attachments = mail.attachments.iter().map(|part| Attachment {
        id: None,
        kind: kind(&part.content_type, part.inline),
        name: Some(part.name.clone()),
        content_type: Some(part.content_type.clone()),
        size: u64::try_from(part.size).ok(),
        duration: None,
        source: Some(super::part_source(part.index)),
    });
    MessageContent {
        text: Some(text).filter(|text| !text.is_empty()),
        attachments: attachments.collect(),
        ..MessageContent::default()
    }
}

fn kind(content_type: &str, inline: bool) -> AttachmentKind {
    match attachment_kind(content_type) {
        // What hangs on a mail is a file to its author, unless it is shown within the text.
        AttachmentKind::Image if inline => AttachmentKind::Image,
        AttachmentKind::Image => AttachmentKind::File,
        kind => kind,
    }
}

fn letter(connection: &Connection, secret: &str, mut mail: Mail) -> Letter {
    let is_ours = |address: &str| connection.text("address").is_some_and(|own| same_mailbox(own, address));
    let ours = |mailbox: &Mailbox| is_ours(&mailbox.address);
    let tokens = tokens(secret, &mail);
    let authenticity = authenticity(&mail);
    let Arrival { spf, dkim, dmarc, .. } = &mail.arrival;
    if authenticity == Authenticity::Disowned {
        mail.notes.push(
            "The sender's domain disowns the mail: somebody else has probably sent it. It changes nobody's address."
                .to_owned(),
        );
    }
    if authenticity == Authenticity::Unknown && [spf, dkim, dmarc].iter().all(|it| **it == Verdict::None) {
        mail.notes.push("Nobody has checked whether the sender is who the mail says.".to_owned());
    }
    let from = mail.from.first().cloned();
    // Who disowns a mail may not say where answers go either.
    let answer_to: Vec<Mailbox> = match authenticity {
        Authenticity::Disowned => from.iter().cloned().collect(),
        _ if mail.reply_to.is_empty() => from.iter().cloned().collect(),
        _ => mail.reply_to.clone(),
    };
    let answer_to: Vec<Mailbox> = answer_to.into_iter().filter(|mailbox| !ours(mailbox)).collect();
    // Fifty in all is what providers take.
    let answer_to: Vec<Mailbox> = answer_to.into_iter().take(MAX_ANSWERED).collect();
    let room = if authenticity == Authenticity::Disowned { 0 } else { MAX_SHOWN - answer_to.len() };
    let copies =
        mail.to.iter().chain(&mail.cc).filter(|mailbox| !ours(mailbox) && !answer_to.contains(mailbox));
    let copies: Vec<Named> = copies.take(room).map(named).collect();
    let quoted = mail.quoted.take().map(|text| cut(text, MAX_FOLDED, &mut mail.notes, "The history"));
    let signature = mail.signature.take().map(|text| cut(text, MAX_FOLDED, &mut mail.notes, "The signature"));
    let id = connection.id.to_string();
    let our_mark = |mark: &String| *mark == id || is_ours(mark);
    let is_own = from.as_ref().is_some_and(ours) || mail.loops.iter().any(our_mark);
    let automatic = if is_own { Some(Automatic::OwnLoop) } else { mail.automatic };
    let mut answers = mail.in_reply_to.clone();
    answers.extend(mail.references.iter().rev().cloned());
    answers.dedup();
    Letter {
        number: number_in(&mail.subject),
        head: Letterhead {
            from: from.as_ref().map(named),
            to: mail.to.iter().take(MAX_SHOWN).map(named).collect(),
            cc: mail.cc.iter().take(MAX_SHOWN).map(named).collect(),
            quoted,
            signature,
            html: mail.html.is_some(),
            authenticity,
            checks: checks(&mail.arrival),
            notes: mail.notes,
        },
        subject: mail.subject,
        message_id: mail.message_id,
        references: mail.references,
        answers,
        tokens,
        answer_to: answer_to.iter().map(named).collect(),
        copies,
        automatic: automatic.map(|sign| word(sign).to_owned()),
    }
}

/// The conversations that our own marks in a mail name.
fn tokens(secret: &str, mail: &Mail) -> Vec<String> {
    if secret.is_empty() {
        return Vec::new();
    }
    let written = mail.to.iter().chain(&mail.cc).map(|mailbox| &mailbox.address);
    let addresses = mail.arrival.recipients.iter().chain(&mail.delivered_to).chain(written);
    let ids = mail.in_reply_to.iter().chain(mail.references.iter().rev());
    let mut tokens: Vec<String> = addresses
        .filter_map(|address| in_address(secret, address))
        .chain(ids.filter_map(|id| in_message_id(secret, id)))
        .collect();
    tokens.dedup();
    tokens
}

/// Whether the sender is who the mail says. DMARC decides where a domain has a policy; without one, an envelope of the
/// same domain that SPF stands for, or disowns.
fn authenticity(mail: &Mail) -> Authenticity {
    let Arrival { envelope_from, spf, dkim, dmarc, .. } = &mail.arrival;
    match dmarc {
        Verdict::Pass => return Authenticity::Proved,
        Verdict::Fail => return Authenticity::Disowned,
        _ => {}
    }
    let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
    let from = mail.from.first().and_then(|from| domain(&from.address));
    let envelope = match envelope_from {
        Some(ReturnPath::Address(address)) => domain(address),
        _ => None,
    };
    if from.is_none() || from != envelope {
        return Authenticity::Unknown;
    }
    match (spf, dkim) {
        (Verdict::Pass, _) => Authenticity::Proved,
        (Verdict::Fail, Verdict::Pass) => Authenticity::Unknown,
        (Verdict::Fail, _) => Authenticity::Disowned,
        _ => Authenticity::Unknown,
    }
}

fn checks(arrived: &Arrival) -> String {
    if !arrived.stamped {
        return String::new();
    }
    format!(
        "spf={} dkim={} dmarc={}",
        arrival::word(arrived.spf),
        arrival::word(arrived.dkim),
        arrival::word(arrived.dmarc)
    )
}

fn named(mailbox: &Mailbox) -> Named {
    Named { name: mailbox.name.clone(), address: mailbox.address.clone() }
}

/// The text in at most `limit` bytes.
fn cut(mut text: String, limit: usize, notes: &mut Vec<String>, what: &str) -> String {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
        notes.push(format!("{what} is longer than what is shown; the original has all of it."));
    }
    text
}

/// The stable word of a sign that no person wrote a mail.
const fn word(sign: Automatic) -> &'static str {
    match sign {
        Automatic::OwnLoop => "own_loop",
        Automatic::Bounce => "bounce",
        Automatic::Complaint => "complaint",
        Automatic::AutoReply => "auto_reply",
        Automatic::AutoGenerated => "auto_generated",
        Automatic::List => "list",
        Automatic::Bulk => "bulk",
        Automatic::NoReply => "no_reply",
        Automatic::NullSender => "null_sender",
    }
}
