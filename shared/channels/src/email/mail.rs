//! A mail, as a desk needs it.

use jiff::Timestamp;

/// A mail that was read. Every text in it is decoded, bounded, and free of control characters other than line
/// breaks and tabs; nothing in it is proved except what [`Arrival`] says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mail {
    /// The Message-ID without its angle brackets. Empty and blank ones count as none. Not unique in practice.
    pub message_id: Option<String>,
    /// The ids of the mails that this one answers, without brackets; at most 100.
    pub in_reply_to: Vec<String>,
    /// The ids of the thread, oldest first, without brackets; at most 200: the first and the latest ones.
    pub references: Vec<String>,
    /// The authors. Usually one; none where the field is missing or has no readable address.
    pub from: Vec<Mailbox>,
    /// The author as the From field names them, where it has no readable address; at most 200 characters.
    pub author: Option<String>,
    /// Who sent the mail for the authors.
    pub sender: Option<Mailbox>,
    /// Where answers shall go instead of to the authors. Never proof of who wrote.
    pub reply_to: Vec<Mailbox>,
    /// The recipients that the author named; at most 200.
    pub to: Vec<Mailbox>,
    /// Who gets a copy; at most 200.
    pub cc: Vec<Mailbox>,
    /// How many mailboxes were left out of the lists above because there were too many.
    pub mailboxes_left_out: usize,
    /// Addresses that the mail was delivered to on its way (`Delivered-To`, `X-Original-To`, `Envelope-To`,
    /// `X-Envelope-To`, `X-Forwarded-To`), in the order of these names, without repetitions; at most 50.
    pub delivered_to: Vec<String>,
    /// The envelope's sender as the topmost `Return-Path` tells it; `None` where there is no such field.
    pub return_path: Option<ReturnPath>,
    /// The subject on one line; empty where there is none. At most 1,000 characters.
    pub subject: String,
    /// When the author's program says that it was written.
    pub date: Option<Timestamp>,
    /// What the person wrote now: without quoted history and signature.
    pub text: String,
    /// The history that the mail repeats, folded away.
    pub quoted: Option<String>,
    /// The signature, folded away.
    pub signature: Option<String>,
    /// The HTML part as its author sent it, decoded and **not sanitised**: see [`super::html::sanitise`]. `None`
    /// where there is none or it has more than 5 MB, which leaves a note.
    pub html: Option<String>,
    /// The files, in the mail's order; at most 1,000. Their bytes: [`super::attachment`].
    pub attachments: Vec<Part>,
    /// Why no person wrote this, if a sign says so: it must never be answered automatically.
    pub automatic: Option<Automatic>,
    /// By whose hands the mail went, as `X-Lambdesk-Loop` and `X-Loop` tell it; at most 20.
    pub loops: Vec<String>,
    /// What a mail server reports about a mail of ours that it did not deliver, or not yet.
    pub bounce: Option<Bounce>,
    /// What a provider reports about a recipient who called a mail of ours spam.
    pub complaint: Option<Complaint>,
    /// How it came to us.
    pub arrival: Arrival,
    /// What could not be understood or was left out, in words for the agent.
    pub notes: Vec<String>,
}

/// A person or a list with an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    /// The name, decoded, on one line; at most 200 characters.
    pub name: Option<String>,
    /// `local@domain`, at most 320 bytes, without white space and control characters. The domain is in lower case
    /// and in its ASCII form; the local part is as given, because its case may matter to its server.
    pub address: String,
}

/// The envelope's sender, where bounces go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReturnPath {
    /// `<>`: a notification that must never be answered automatically ([RFC 5321, 4.5.5]).
    ///
    /// [RFC 5321, 4.5.5]: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.5
    Null,
    /// An address.
    Address(String),
}

/// A file of a mail, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What [`super::attachment`] knows it by.
    pub index: usize,
    /// A name that is fit for a file: no path, no control or direction characters, 1 to 200 characters.
    pub name: String,
    /// The media type in lower case, without parameters, such as `image/png`.
    pub content_type: String,
    /// The decoded size in bytes.
    pub size: usize,
    /// The Content-ID without brackets: what `cid:` in the HTML refers to.
    pub content_id: Option<String>,
    /// Whether it is shown within the text rather than attached to it.
    pub inline: bool,
}

/// A sign that no person wrote a mail ([RFC 3834](https://www.rfc-editor.org/rfc/rfc3834)). Where a mail bears
/// several, the first one in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Automatic {
    /// Our own automatic mail came back (`X-Loop: lambdesk`).
    OwnLoop,
    /// A mail server's report about a delivery.
    Bounce,
    /// A provider's report about spam.
    Complaint,
    /// An answer of a machine, such as an out-of-office note.
    AutoReply,
    /// Made by a machine, not as an answer, such as a notice or a receipt.
    AutoGenerated,
    /// It came over a mailing list or is a newsletter.
    List,
    /// `Precedence: bulk` or `junk`.
    Bulk,
    /// The sender takes no answers: `no-reply@`, `mailer-daemon@`.
    NoReply,
    /// The envelope's sender is empty, and nothing else tells why.
    NullSender,
}

/// A delivery report ([RFC 3464](https://www.rfc-editor.org/rfc/rfc3464)), or what reads like one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounce {
    /// Whom it is about; at most 100. May be empty, where a server does not say.
    pub recipients: Vec<BouncedRecipient>,
    /// The Message-ID of the returned mail, without brackets.
    pub original_message_id: Option<String>,
    /// The ids in `References` and `In-Reply-To` of the returned mail, without brackets; at most 200.
    pub original_references: Vec<String>,
    /// The subject of the returned mail.
    pub original_subject: Option<String>,
}

/// What became of the delivery to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BouncedRecipient {
    /// The address.
    pub address: String,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded`.
    pub action: String,
    /// The [enhanced status code](https://www.rfc-editor.org/rfc/rfc3463), such as `5.1.1`.
    pub status: Option<String>,
    /// The server's own words, on one line; at most 500 characters.
    pub diagnostic: Option<String>,
    /// Whether another try can never succeed.
    pub permanent: bool,
}

/// A spam report ([ARF](https://www.rfc-editor.org/rfc/rfc5965)).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Complaint {
    /// `abuse`, `fraud`, `virus`, `not-spam`, `auth-failure`, `opt-out`, `other`.
    pub kind: String,
    /// Who complained, if the provider tells; at most 100.
    pub recipients: Vec<String>,
    /// The Message-ID of the mail that it is about, without brackets.
    pub original_message_id: Option<String>,
    /// The ids in `References` and `In-Reply-To` of that mail, without brackets; at most 200.
    pub original_references: Vec<String>,
}

/// How a mail came to us: what our receiver saw, not what the mail says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrival {
    /// The envelope's sender.
    pub envelope_from: Option<ReturnPath>,
    /// The envelope's recipients at our side; at most 100.
    pub recipients: Vec<String>,
    /// Whether the sending host may send for the envelope's domain.
    pub spf: Verdict,
    /// Whether a domain's signature holds.
    pub dkim: Verdict,
    /// Whether one of both stands for the domain in `From`.
    pub dmarc: Verdict,
    /// Whether this is what our receiver wrote on top of the mail, see [`super::stamp`].
    pub stamped: bool,
}

/// The result of a check of the sender ([RFC 8601](https://www.rfc-editor.org/rfc/rfc8601#section-2.7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Verdict {
    /// Not checked, or nothing to check.
    #[default]
    None,
    /// It holds.
    Pass,
    /// It is forged.
    Fail,
    /// It is probably forged.
    SoftFail,
    /// The domain says nothing about it.
    Neutral,
    /// The check could not be made now.
    TempError,
    /// The domain's published policy cannot be read.
    PermError,
}
