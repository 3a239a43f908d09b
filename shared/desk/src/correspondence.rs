//! Correspondence: what stands in for a conversation where the platform keeps none, as with e-mail.

mod subject;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::subject::{bare_subject, number_in};

/// The most people of one correspondence that are remembered.
const MAX_PARTICIPANTS: usize = 50;
/// The most Message-IDs that a mail of ours refers to.
const MAX_REFERENCES: usize = 20;

/// A person or a list with an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mailbox {
    /// The name that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `local@domain`.
    pub address: String,
}

impl Mailbox {
    /// Whether this is the same address. Servers that tell upper from lower case are all but extinct.
    pub fn is(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
    }
}

/// Whether two addresses lead to one mailbox: the same but for case, for what follows a plus, and for how the letters of
/// an international domain are written.
pub fn same_mailbox(one: &str, other: &str) -> bool {
    let plain = |address: &str| {
        let (local, domain) = address.trim().rsplit_once('@')?;
        let local = local.split_once('+').map_or(local, |(local, _)| local);
        let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase());
        Some((local.to_lowercase(), domain))
    };
    plain(one).is_some_and(|one| Some(one) == plain(other))
}

/// What is known about who really sent a mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authenticity {
    /// Nothing was checked, or there was nothing to check.
    #[default]
    Unknown,
    /// The domain stands for it.
    Proved,
    /// The domain disowns it: who it claims to be from did probably not send it.
    Disowned,
}

/// What a mail says besides its text, as agents see it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Letterhead {
    /// The author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Mailbox>,
    /// The recipients that the author named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Mailbox>,
    /// Who got a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Mailbox>,
    /// The history that the mail repeats, folded away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<String>,
    /// The signature, folded away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Whether there is a formatted form, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub html: bool,
    /// Whether its sender is who it says.
    #[serde(default)]
    pub authenticity: Authenticity,
    /// The checks behind that, such as `spf=pass dkim=fail dmarc=none`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub checks: String,
    /// What was left out or not understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a mail tells about where it belongs and whom an answer goes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// What agents see of it.
    pub head: Letterhead,
    /// The subject.
    pub subject: String,
    /// Its Message-ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The ids of its thread, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The ids of mails that it answers, the most telling first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// The conversations that our own signed tokens in it name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<String>,
    /// The ticket number in its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Whom an answer goes to.
    pub answer_to: Vec<Mailbox>,
    /// Who gets a copy of an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Mailbox>,
    /// The sign that no person wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<String>,
}

impl Letter {
    /// The author's address.
    pub fn author(&self) -> Option<&str> {
        self.head.from.as_ref().map(|from| from.address.as_str())
    }
}

/// What is remembered of a correspondence, so that it can be answered and strangers are kept out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Correspondence {
    /// What it is about, as it was first said.
    pub subject: String,
    /// Everybody who may write in it: the customer, and whoever was named by one who may.
    pub participants: Vec<Mailbox>,
    /// Whom the next answer goes to.
    pub answer_to: Vec<Mailbox>,
    /// Who gets a copy of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Mailbox>,
    /// Who has written since the last answer: they wait for the next one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asking: Vec<Mailbox>,
    /// The ids that the next answer refers to, oldest first; the last one is what it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

impl Correspondence {
    /// What a first mail begins.
    pub fn begun_by(letter: &Letter) -> Self {
        let mut begun = Self { subject: letter.subject.clone(), ..Self::default() };
        begun.take(letter);
        begun
    }

    /// Whether somebody may write in it.
    pub fn admits(&self, address: &str) -> bool {
        self.participants.iter().any(|known| known.is(address))
    }

    /// Whom a mail names that its sender cannot bring in: where a domain does not stand for it, it may be a forger's, who
    /// could otherwise have answers sent elsewhere. What begins a correspondence is the word of whoever it comes from.
    pub fn kept_out<'l>(&self, letter: &'l Letter) -> Vec<&'l Mailbox> {
        if letter.head.authenticity == Authenticity::Proved || self.participants.is_empty() {
            return Vec::new();
        }
        let named = letter.answer_to.iter().chain(&letter.copies);
        named.filter(|mailbox| !self.admits(&mailbox.address)).collect()
    }

    /// Takes in a mail of somebody who may write. What its domain disowns changes nothing, and what nobody stands for
    /// changes only which of the participants are answered: see [`Self::kept_out`]. What a machine wrote is nothing to
    /// answer.
    pub fn take(&mut self, letter: &Letter) {
        let disowned = letter.head.authenticity == Authenticity::Disowned;
        let first = self.participants.is_empty();
        if (disowned || letter.automatic.is_some()) && !first {
            return;
        }
        let kept_out = self.kept_out(letter);
        let allowed = |mailboxes: &[Mailbox]| -> Vec<Mailbox> {
            mailboxes.iter().filter(|mailbox| !kept_out.contains(mailbox)).cloned().collect()
        };
        let (mut answer_to, copies) = (allowed(&letter.answer_to), allowed(&letter.copies));
        if answer_to.is_empty() && !letter.answer_to.is_empty() {
            answer_to.extend(letter.head.from.clone());
        }
        for mailbox in letter.head.from.iter().chain(&answer_to).chain(&copies) {
            if !self.admits(&mailbox.address) && self.participants.len() < MAX_PARTICIPANTS {
                self.participants.push(mailbox.clone());
            }
        }
        self.copies = copies;
        self.answer_to.clone_from(&answer_to);
        // Who asked is told, too, when somebody else who takes part writes to us alone.
        for asked in self.participants.first().into_iter().chain(&self.asking) {
            if !self.answer_to.iter().chain(&self.copies).any(|known| known.is(&asked.address)) {
                self.copies.push(asked.clone());
            }
        }
        for asks in &answer_to {
            let known = self.asking.iter().any(|known| known.is(&asks.address));
            if !known && self.asking.len() < MAX_PARTICIPANTS {
                self.asking.push(asks.clone());
            }
        }
        let mut references = letter.references.clone();
        references.extend(letter.message_id.clone());
        if references.len() > MAX_REFERENCES {
            // The first one is what mail programs group by.
            references.drain(1..=references.len() - MAX_REFERENCES);
        }
        self.references = references;
    }

    /// Takes note that everybody who asked has had an answer.
    pub fn answered(&mut self) {
        self.asking.clear();
    }

    /// Whether a subject is about something else altogether: not the same words with a prefix or a number.
    pub fn is_new_subject(&self, subject: &str) -> bool {
        subject::differ(&self.subject, subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(address: &str) -> Mailbox {
        Mailbox { name: None, address: address.to_owned() }
    }

    fn letter(from: &str, subject: &str) -> Letter {
        Letter {
            head: Letterhead { from: Some(mailbox(from)), ..Letterhead::default() },
            subject: subject.to_owned(),
            message_id: Some(format!("1@{from}")),
            references: Vec::new(),
            answers: Vec::new(),
            tokens: Vec::new(),
            number: None,
            answer_to: vec![mailbox(from)],
            copies: Vec::new(),
            automatic: None,
        }
    }

    #[test]
    fn whoever_is_named_by_a_participant_may_write() {
        let mut first = letter("ann@example.org", "Broken lamp");
        first.copies = vec![mailbox("Bob@example.org")];
        let mut talk = Correspondence::begun_by(&first);
        assert!(talk.admits("bob@EXAMPLE.org") && !talk.admits("eve@example.org"));
        talk.take(&letter("bob@example.org", "Re: Broken lamp"));
        assert_eq!(talk.answer_to, [mailbox("bob@example.org")]);
        assert_eq!(talk.copies, [mailbox("ann@example.org")], "who asked is told, too");

        let mut forged = letter("ann@example.org", "Re: Broken lamp");
        forged.head.authenticity = Authenticity::Disowned;
        forged.answer_to = vec![mailbox("eve@example.org")];
        talk.take(&forged);
        assert!(!talk.admits("eve@example.org"));
        assert_eq!(talk.answer_to, [mailbox("bob@example.org")]);
    }

    #[test]
    fn whom_nobody_stands_for_brings_in_nobody() {
        let mut first = letter("ann@example.org", "Broken lamp");
        first.copies = vec![mailbox("bob@example.org")];
        first.answer_to = vec![mailbox("Ann@home.example")];
        let begun = Correspondence::begun_by(&first);
        assert_eq!(begun.answer_to, [mailbox("Ann@home.example")], "the first word is the sender's");

        let redirect = |authenticity| {
            let mut mail = letter("ann@example.org", "Re: Broken lamp");
            mail.head.authenticity = authenticity;
            mail.answer_to = vec![mailbox("eve@example.net")];
            mail.copies = vec![mailbox("BOB@example.org"), mailbox("mallory@example.net")];
            mail
        };
        let mail = redirect(Authenticity::Unknown);
        let out: Vec<_> = begun.kept_out(&mail).into_iter().map(|it| it.address.as_str()).collect();
        assert_eq!(out, ["eve@example.net", "mallory@example.net"]);
        let mut talk = begun.clone();
        talk.answered();
        talk.take(&mail);
        assert!(!talk.admits("eve@example.net") && !talk.admits("mallory@example.net"));
        assert_eq!(talk.answer_to, [mailbox("ann@example.org")]);
        assert_eq!(talk.copies, [mailbox("BOB@example.org")], "she asked, and he takes part");
        assert_eq!(talk.asking, [mailbox("ann@example.org")]);
        // To another address of hers that takes part already.
        let mut home = letter("ann@example.org", "Re: Broken lamp");
        home.answer_to = vec![mailbox("ann@home.example")];
        assert_eq!(begun.kept_out(&home), Vec::<&Mailbox>::new());

        let mail = redirect(Authenticity::Proved);
        let mut talk = begun;
        talk.take(&mail);
        assert_eq!(talk.answer_to, [mailbox("eve@example.net")], "her domain stands for it");
        assert!(talk.admits("mallory@example.net"));
    }

    #[test]
    fn whoever_asked_keeps_a_copy_until_there_is_an_answer() {
        let mut first = letter("ann@example.org", "Broken lamp");
        first.copies = vec![mailbox("bob@example.org")];
        let mut talk = Correspondence::begun_by(&first);
        talk.answered();
        talk.take(&letter("bob@example.org", "Re: Broken lamp"));
        talk.take(&letter("ann@example.org", "Re: Broken lamp"));
        assert_eq!(talk.answer_to, [mailbox("ann@example.org")]);
        assert_eq!(talk.copies, [mailbox("bob@example.org")], "his question is open");
        talk.answered();
        talk.take(&letter("ann@example.org", "Re: Broken lamp"));
        assert_eq!(talk.copies, [], "he has had an answer, and she wrote without him");
    }

    #[test]
    fn references_keep_the_first_and_the_latest() {
        let mut long = letter("ann@example.org", "x");
        long.references = (0..100).map(|number| format!("{number}@x")).collect();
        let talk = Correspondence::begun_by(&long);
        assert_eq!(talk.references.len(), MAX_REFERENCES);
        assert_eq!(talk.references[0], "0@x");
        assert_eq!(talk.references[1], "82@x");
        assert_eq!(talk.references.last().unwrap(), "1@ann@example.org");
    }

    #[test]
    fn a_mailbox_has_many_addresses() {
        let own = "Support@shop.example";
        for same in ["support@shop.example", "support+c0ffee@SHOP.example", " support@shop.example"] {
            assert!(same_mailbox(own, same), "{same}");
        }
        for other in ["support@shop.example.org", "ann+support@shop.example", "support", "", "+@shop.example"]
        {
            assert!(!same_mailbox(own, other), "{other}");
        }
        assert!(!same_mailbox("", ""), "nobody is nobody");
        assert!(same_mailbox("Привет@магазин.рф", "привет@xn--80aairftm.xn--p1ai"));
    }
}
