//! Who really sent a mail: [SPF](https://www.rfc-editor.org/rfc/rfc7208), [DKIM](https://www.rfc-editor.org/rfc/rfc6376)
//! and [DMARC](https://www.rfc-editor.org/rfc/rfc9989). The verdicts are for whoever reads the mail; none of them
//! refuses it.

use std::time::Duration;

use channels::email::dns::Resolver;
use channels::email::{Arrival, ReturnPath, Verdict};
use channels::http::is_public;
use mail_auth::dkim::DkimError;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, Error, MessageAuthenticator, SpfOutput,
    SpfResult,
};

use super::Envelope;

/// The time for all questions to DNS about one mail.
const TIME: Duration = Duration::from_secs(15);
/// The most signatures that are looked at. Each can cost a question to DNS and a hash of the whole mail.
const SIGNATURES: usize = 10;
/// The most further lines of a field that are read.
const FIELD_LINES: usize = 20;

/// Checks senders.
#[derive(Clone)]
pub(crate) struct Authenticator {
    dns: MessageAuthenticator,
    host: String,
}

impl Authenticator {
    /// `host` is our own name, which policies may ask for.
    pub(crate) fn new(resolver: &Resolver, host: String) -> Self {
        Self { dns: MessageAuthenticator(resolver.hickory()), host }
    }

    /// How a mail arrived. What DNS does not tell in time is [`Verdict::TempError`].
    pub(crate) async fn examine(&self, envelope: &Envelope, mail: &[u8]) -> Arrival {
        let verdicts = tokio::time::timeout(TIME, self.verdicts(envelope, mail)).await;
        let [spf, dkim, dmarc] = verdicts.unwrap_or([Verdict::TempError; 3]);
        Arrival {
            envelope_from: Some(match &envelope.from {
                Some(address) => ReturnPath::Address(address.clone()),
                None => ReturnPath::Null,
            }),
            recipients: envelope.recipients.iter().map(|recipient| recipient.address.clone()).collect(),
            spf,
            dkim,
            dmarc,
            stamped: false,
        }
    }

    async fn verdicts(&self, envelope: &Envelope, mail: &[u8]) -> [Verdict; 3] {
        let spf = self.spf(envelope, mail).await;
        let spf_verdict = spf_verdict(spf.result());
        if signatures(mail) > SIGNATURES {
            return [spf_verdict, Verdict::PermError, Verdict::PermError];
        }
        let Some(message) = AuthenticatedMessage::parse(mail) else {
            return [spf_verdict, Verdict::None, Verdict::None];
        };
        let dkim = self.dns.verify_dkim(&message).await;
        let sender = envelope.from.as_deref().unwrap_or_default();
        let domain = sender.rsplit_once('@').map_or(envelope.helo.as_str(), |(_, domain)| domain);
        let dmarc = self.dns.verify_dmarc(DmarcParameters::new(&message, &dkim, domain, &spf)).await;
        let dmarc = match dmarc_verdict(&dmarc.result()) {
            // It may rest on SPF alone, which only the server that the firm's own one took the mail from could judge.
            Verdict::Fail
                if !is_public(envelope.client)
                    && spf_verdict == Verdict::None
                    && dkim_verdict(&dkim) != Verdict::Fail =>
            {
                Verdict::None
            }
            verdict => verdict,
        };
        [spf_verdict, dkim_verdict(&dkim), dmarc]
    }

    /// Whether the client may send for the envelope's domain. A client in our own network is a server of the firm,
    /// which took the mail from somebody that only it knows: what it says of that stands on top of the mail.
    async fn spf(&self, envelope: &Envelope, mail: &[u8]) -> SpfOutput {
        let sender = envelope.from.as_deref().unwrap_or_default();
        if !is_public(envelope.client) {
            let domain = sender.rsplit_once('@').map_or(envelope.helo.as_str(), |(_, domain)| domain);
            return SpfOutput::new(domain.to_owned())
                .with_result(reported_spf(mail).unwrap_or(SpfResult::None));
        }
        self.dns.verify_spf(SpfParameters::verify(envelope.client, &envelope.helo, &self.host, sender)).await
    }
}

/// What the topmost field of a mail says of SPF. A field below it may be anybody's.
fn reported_spf(mail: &[u8]) -> Option<SpfResult> {
    let mut lines = mail.split_inclusive(|byte| *byte == b'\n');
    let mut field = lines.next()?.to_vec();
    for line in lines.take_while(|line| line.starts_with(b" ") || line.starts_with(b"\t")).take(FIELD_LINES) {
        field.extend(line);
    }
    let field = String::from_utf8_lossy(&field).to_ascii_lowercase();
    let (name, value) = field.split_once(':')?;
    let said = match name.trim() {
        "received-spf" => value.trim_start(),
        "authentication-results" => value.split(';').find_map(|said| said.trim().strip_prefix("spf="))?,
        _ => return None,
    };
    match said.split(|c: char| !c.is_ascii_alphabetic()).next()? {
        "pass" => Some(SpfResult::Pass),
        "fail" | "hardfail" => Some(SpfResult::Fail),
        "softfail" => Some(SpfResult::SoftFail),
        "neutral" => Some(SpfResult::Neutral),
        "temperror" => Some(SpfResult::TempError),
        "permerror" => Some(SpfResult::PermError),
        _ => None,
    }
}

/// How many signatures a mail claims to have.
fn signatures(mail: &[u8]) -> usize {
    const NAME: &[u8] = b"dkim-signature";
    let lines = mail.split(|byte| *byte == b'\n').take_while(|line| !matches!(line, [] | [b'\r']));
    lines.filter(|line| line.get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME))).count()
}

fn spf_verdict(result: SpfResult) -> Verdict {
    match result {
        SpfResult::Pass => Verdict::Pass,
        SpfResult::Fail => Verdict::Fail,
        SpfResult::SoftFail => Verdict::SoftFail,
        SpfResult::Neutral => Verdict::Neutral,
        SpfResult::TempError => Verdict::TempError,
        SpfResult::PermError => Verdict::PermError,
        SpfResult::None => Verdict::None,
    }
}

/// One good signature is enough; after that counts what might still become one.
fn dkim_verdict(signatures: &[DkimOutput<'_>]) -> Verdict {
    let verdicts: Vec<Verdict> = signatures
        .iter()
        .map(|signature| match signature.result() {
            DkimResult::Pass => Verdict::Pass,
            // The library calls a changed text neutral, because mailing lists change texts; so do forgers.
            DkimResult::Neutral(Error::Dkim(DkimError::FailedBodyHashMatch)) => Verdict::Fail,
            DkimResult::Neutral(_) => Verdict::Neutral,
            DkimResult::Fail(_) => Verdict::Fail,
            DkimResult::PermError(_) => Verdict::PermError,
            DkimResult::TempError(_) => Verdict::TempError,
            DkimResult::None => Verdict::None,
        })
        .collect();
    [Verdict::Pass, Verdict::TempError, Verdict::Fail, Verdict::PermError, Verdict::Neutral]
        .into_iter()
        .find(|verdict| verdicts.contains(verdict))
        .unwrap_or_default()
}

fn dmarc_verdict(result: &DmarcResult) -> Verdict {
    match result {
        DmarcResult::Pass => Verdict::Pass,
        DmarcResult::Fail(_) => Verdict::Fail,
        DmarcResult::TempError(_) => Verdict::TempError,
        DmarcResult::PermError(_) => Verdict::PermError,
        DmarcResult::None => Verdict::None,
    }
}
