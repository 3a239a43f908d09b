//! What a domain's DNS says about its mail, and what to change so that the desk's mails arrive.

#[cfg(feature = "resolver")]
mod resolver;
mod spf;

use async_trait::async_trait;

#[cfg(feature = "resolver")]
pub use self::resolver::{Resolver, Unusable};
use crate::platform::Finding;

/// Looks up records. A name without such records is no error.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The texts of a name, each put together from its pieces.
    ///
    /// # Errors
    /// When nobody answers.
    async fn txt(&self, name: &str) -> Result<Vec<String>, NoAnswer>;

    /// The hosts that take mail for a domain, in no order, without their final dots. The root stands for "none".
    ///
    /// # Errors
    /// When nobody answers.
    async fn mx(&self, domain: &str) -> Result<Vec<Exchange>, NoAnswer>;
}

/// A host that takes mail for a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Hosts with lower numbers come first.
    pub preference: u16,
    /// The host's name; empty for the root, which means that the domain takes no mail.
    pub host: String,
}

/// DNS that does not answer, which says nothing about the records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("DNS does not answer: {detail}")]
pub struct NoAnswer {
    /// What went wrong.
    pub detail: String,
}

/// What a domain's DNS ought to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The host that is to take the domain's mail, such as `inbound-smtp.eu-west-1.amazonaws.com`. Any host will do
    /// without it: mail may well come to the desk by forwarding.
    pub mx: Option<String>,
    /// The mechanism of the server that mails leave by, such as `include:amazonses.com` or `ip4:192.0.2.7`.
    pub spf: Option<String>,
    /// The keys that mails are signed with.
    pub dkim: Vec<Dkim>,
}

/// A key that mails are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dkim {
    /// Its name.
    pub selector: String,
    /// The record that publishes it, where it is known: type and value, such as `CNAME` and
    /// `token.dkim.amazonses.com`.
    pub record: Option<(&'static str, String)>,
}

/// Examines a domain: [MX](https://www.rfc-editor.org/rfc/rfc5321#section-5.1),
/// [SPF](https://www.rfc-editor.org/rfc/rfc7208), [DKIM](https://www.rfc-editor.org/rfc/rfc6376) and
/// [DMARC](https://www.rfc-editor.org/rfc/rfc9989). What is not well comes with the record that mends it.
pub async fn examine_domain(dns: &dyn Lookup, domain: &str, expectations: &Expectations) -> Vec<Finding> {
    let domain = domain.trim().trim_end_matches('.');
    let Ok(domain) = idna::domain_to_ascii(domain) else {
        return vec![not_well(format!("Domain {domain}"), "This is not a domain's name.".to_owned())];
    };
    let mut findings = vec![
        examine_mx(dns, &domain, expectations.mx.as_deref()).await,
        examine_spf(dns, &domain, expectations.spf.as_deref()).await,
    ];
    for key in &expectations.dkim {
        findings.push(examine_dkim(dns, &domain, key).await);
    }
    findings.push(examine_dmarc(dns, &domain).await);
    findings
}

async fn examine_mx(dns: &dyn Lookup, domain: &str, expected: Option<&str>) -> Finding {
    let what = format!("MX of {domain}");
    let found = match dns.mx(domain).await {
        Ok(found) => found,
        Err(error) => return unanswered(what, &error),
    };
    let hosts: Vec<&str> =
        found.iter().map(|exchange| exchange.host.as_str()).filter(|host| !host.is_empty()).collect();
    let expected = expected.map(|host| host.trim_end_matches('.'));
    let leads_there =
        |wanted: &str| hosts.iter().any(|host| host.trim_end_matches('.').eq_ignore_ascii_case(wanted));
    let host = expected.unwrap_or("the host name of your mail server");
    let record = record(domain, "MX", &format!("10 {host}"));
    match expected {
        _ if hosts.is_empty() && !found.is_empty() => {
            not_well(what, format!("The domain says that it takes no mail. Replace that record. {record}"))
        }
        _ if hosts.is_empty() => not_well(what, format!("No server takes mail for the domain. {record}")),
        Some(wanted) if !leads_there(wanted) => not_well(
            what,
            format!("Mail goes to {}. If it is to come to the desk directly: {record}", hosts.join(", ")),
        ),
        _ => well(what),
    }
}

async fn examine_spf(dns: &dyn Lookup, domain: &str, expected: Option<&str>) -> Finding {
    let what = format!("SPF of {domain}");
    let texts = match dns.txt(domain).await {
        Ok(texts) => texts,
        Err(error) => return unanswered(what, &error),
    };
    let policies: Vec<&str> = texts.iter().map(String::as_str).filter(|text| spf::is_policy(text)).collect();
    match (policies.as_slice(), expected) {
        ([], _) => {
            let value = spf::new_policy(expected);
            not_well(
                what,
                format!(
                    "Nobody knows which servers may send for the domain. {}",
                    record(domain, "TXT", &value)
                ),
            )
        }
        ([policy], _) if spf::allows_everybody(policy) => not_well(
            what,
            format!(
                "The record allows the whole world to send for the domain. Replace it. {}",
                record(domain, "TXT", &spf::merged(&[policy], expected))
            ),
        ),
        ([policy], Some(mechanism)) if !spf::names(policy, mechanism) => not_well(
            what,
            format!(
                "The record does not name the server that mails leave by. Replace it. {}",
                record(domain, "TXT", &spf::merged(&[policy], expected))
            ),
        ),
        ([_], _) => well(what),
        (several, _) => not_well(
            what,
            format!(
                "There are {} SPF records, so that none counts. Keep one. {}",
                several.len(),
                record(domain, "TXT", &spf::merged(several, expected))
            ),
        ),
    }
}

async fn examine_dkim(dns: &dyn Lookup, domain: &str, key: &Dkim) -> Finding {
    let name = format!("{}._domainkey.{domain}", key.selector);
    let what = format!("DKIM key {} of {domain}", key.selector);
    let texts = match dns.txt(&name).await {
        Ok(texts) => texts,
        Err(error) => return unanswered(what, &error),
    };
    let add = match &key.record {
        Some((kind, value)) => record(&name, kind, value),
        None => format!(
            "Ask the provider that signs your mails for the key, and {}",
            lower_first(&record(&name, "TXT", "v=DKIM1; k=rsa; p=… (the key)"))
        ),
    };
    let published = texts.iter().find_map(|text| tag(text, "p").map(|key| (text, key)));
    match published {
        Some((text, _)) if tag(text, "v").is_some_and(|version| version != "DKIM1") => {
            not_well(what, format!("The record is not a DKIM key. {add}"))
        }
        Some((_, "")) => not_well(what, format!("The key was revoked. {add}")),
        Some(_) => well(what),
        None => not_well(what, format!("Nobody can verify the signature of your mails. {add}")),
    }
}

async fn examine_dmarc(dns: &dyn Lookup, domain: &str) -> Finding {
    let what = format!("DMARC of {domain}");
    let add = record(&format!("_dmarc.{domain}"), "TXT", "v=DMARC1; p=none");
    // A domain without a policy follows that of the domain above it.
    let mut above = Some(domain);
    while let Some(name) = above.filter(|name| name.contains('.')) {
        let texts = match dns.txt(&format!("_dmarc.{name}")).await {
            Ok(texts) => texts,
            Err(error) => return unanswered(what, &error),
        };
        let policies: Vec<&String> = texts
            .iter()
            .filter(|text| tag(text, "v").is_some_and(|version| version.eq_ignore_ascii_case("DMARC1")))
            .collect();
        match policies.as_slice() {
            [] => above = name.split_once('.').map(|(_, above)| above),
            [policy] => {
                let wish = tag(policy, "p").map(str::to_lowercase);
                return if matches!(wish.as_deref(), Some("none" | "quarantine" | "reject")) {
                    well(what)
                } else {
                    not_well(what, format!("The record names no policy (p=…). Replace it. {add}"))
                };
            }
            several => {
                let advice = format!(
                    "There are {} DMARC records, so that none counts. Keep one. {add}",
                    several.len()
                );
                return not_well(what, advice);
            }
        }
    }
    not_well(what, format!("Gmail and Yahoo want one from everybody who sends much. {add}"))
}

/// A tag of a record such as `v=DKIM1; p=…`.
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';')
        .filter_map(|tag| tag.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, v)| v.trim())
}

fn record(name: &str, kind: &str, value: &str) -> String {
    format!("Add this DNS record: name {name}, type {kind}, value {value}")
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

fn well(what: String) -> Finding {
    Finding { ok: true, what, advice: None }
}

fn not_well(what: String, advice: String) -> Finding {
    Finding { ok: false, what, advice: Some(advice) }
}

fn unanswered(what: String, error: &NoAnswer) -> Finding {
    not_well(what, format!("It could not be looked up ({}). Try again later.", error.detail))
}
