//! What a domain's DNS lacks, told by records that are made up here, and by a server on loopback.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use channels::email::Email;
use channels::email::dns::{Dkim, Exchange, Expectations, Lookup, NoAnswer, examine_domain};
use channels::http::Http;
use channels::platform::{Finding, Instruments, Outlets};
use channels::{Connection, Platform as _};
use serde_json::json;
use store::seal::Secret;

use crate::fixtures;

/// Records by name. A name that is not in it has none; a name of `!` does not answer.
#[derive(Default)]
struct Zone {
    txt: HashMap<&'static str, Vec<&'static str>>,
    mx: HashMap<&'static str, Vec<&'static str>>,
}

#[async_trait]
impl Lookup for Zone {
    async fn txt(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        let found = self.txt.get(name).cloned().unwrap_or_default();
        if found == ["!"] {
            return Err(NoAnswer { detail: "timed out".to_owned() });
        }
        Ok(found.into_iter().map(str::to_owned).collect())
    }

    async fn mx(&self, domain: &str) -> Result<Vec<Exchange>, NoAnswer> {
        let found = self.mx.get(domain).cloned().unwrap_or_default();
        Ok(found.into_iter().map(|host| Exchange { preference: 10, host: host.to_owned() }).collect())
    }
}

fn expectations() -> Expectations {
    Expectations {
        mx: Some("in.desk.example".to_owned()),
        spf: Some("include:amazonses.com".to_owned()),
        dkim: vec![
            Dkim { selector: "abc".to_owned(), record: Some(("CNAME", "abc.dkim.amazonses.com".to_owned())) },
            Dkim { selector: "own".to_owned(), record: None },
        ],
    }
}

async fn advice(zone: &Zone) -> Vec<(bool, String, String)> {
    let findings = examine_domain(zone, "Shop.Example.", &expectations()).await;
    let told = |finding: Finding| (finding.ok, finding.what, finding.advice.unwrap_or_default());
    findings.into_iter().map(told).collect()
}

/// What is told about DKIM of a connection with its own mail server; its port takes nobody.
async fn told_of_dkim(selector: Option<&str>, keys: Vec<&'static str>) -> Vec<Finding> {
    let mut settings = json!({"address": "support@shop.example"});
    if let Some(selector) = selector {
        settings["dkim_selector"] = selector.into();
    }
    let connection = Connection {
        channel: "email".try_into().unwrap(),
        settings: settings.as_object().unwrap().clone(),
        secrets: [("smtp_url".to_owned(), Secret::new("smtp://127.0.0.1:9"))].into(),
        ..fixtures::connection()
    };
    let zone = Zone { txt: [("mail._domainkey.shop.example", keys)].into(), ..Zone::default() };
    let outlets = Outlets { http: Http::new(), mailer: None };
    let instruments = Instruments { outlets, dns: Some(Arc::new(zone)) };
    let findings = Email.examine(&instruments, &connection, None).await;
    findings.into_iter().filter(|finding| finding.what.contains("DKIM")).collect()
}

#[tokio::test]
async fn a_key_that_the_desk_cannot_know_is_looked_up_once_it_is_named() {
    let unknown = told_of_dkim(None, Vec::new()).await;
    assert_eq!(unknown.len(), 1);
    assert!(unknown[0].ok, "nothing is known to be wrong");
    let advice = unknown[0].advice.as_ref().unwrap();
    assert!(advice.contains("`dkim_selector`") && advice.contains("`dkim=pass`"), "{advice}");

    for (keys, ok) in
        [(vec!["v=DKIM1; k=rsa; p=MIIB"], true), (vec!["v=DKIM1; p="], false), (Vec::new(), false)]
    {
        let named = told_of_dkim(Some(" mail "), keys).await;
        assert_eq!(named.len(), 1);
        assert_eq!((named[0].what.as_str(), named[0].ok), ("DKIM key mail of shop.example", ok));
    }
}

#[tokio::test]
async fn an_empty_domain_is_told_every_record() {
    let told = advice(&Zone::default()).await;
    let expected = [
        ("MX of shop.example", "name shop.example, type MX, value 10 in.desk.example"),
        ("SPF of shop.example", "name shop.example, type TXT, value v=spf1 include:amazonses.com ~all"),
        (
            "DKIM key abc of shop.example",
            "name abc._domainkey.shop.example, type CNAME, value abc.dkim.amazonses.com",
        ),
        (
            "DKIM key own of shop.example",
            "name own._domainkey.shop.example, type TXT, value v=DKIM1; k=rsa; p=…",
        ),
        ("DMARC of shop.example", "name _dmarc.shop.example, type TXT, value v=DMARC1; p=none"),
    ];
    assert_eq!(told.len(), expected.len());
    for ((ok, what, advice), (about, record)) in told.into_iter().zip(expected) {
        assert_eq!((ok, what.as_str()), (false, about));
        assert!(advice.contains(record), "{advice}");
    }
}

#[tokio::test]
async fn a_good_domain_is_left_alone() {
    let mut zone = Zone::default();
    zone.mx.insert("shop.example", vec!["IN.desk.example"]);
    zone.txt.insert("shop.example", vec!["site=1", "V=SPF1 +include:amazonses.com -all"]);
    zone.txt.insert("abc._domainkey.shop.example", vec!["p=MIGf"]);
    zone.txt.insert("own._domainkey.shop.example", vec!["v=DKIM1; k=rsa; p=MIGf"]);
    zone.txt.insert("_dmarc.shop.example", vec!["v=DMARC1; p=Reject; rua=mailto:a@b.example"]);
    assert!(advice(&zone).await.iter().all(|(ok, _, advice)| *ok && advice.is_empty()));
    let findings = examine_domain(&zone, "mail.shop.example", &Expectations::default()).await;
    assert!(findings.last().unwrap().ok, "a domain follows the policy of the one above it");
}

#[tokio::test]
async fn a_wrong_record_is_told_its_replacement() {
    let spf = [
        (vec!["v=spf1 mx ip4:192.0.2.1 -all"], "value v=spf1 mx ip4:192.0.2.1 include:amazonses.com -all"),
        (vec!["v=spf1 include:amazonses.com +all"], "value v=spf1 include:amazonses.com ~all"),
        (
            vec!["v=spf1 mx ~all", "v=spf1 include:amazonses.com MX -all"],
            "value v=spf1 mx include:amazonses.com ~all",
        ),
        (vec!["v=spf1 redirect=x.example"], "value v=spf1 include:amazonses.com redirect=x.example"),
        (vec!["v=spf10 -all"], "value v=spf1 include:amazonses.com ~all"),
        (vec!["!"], "timed out"),
    ];
    for (records, expected) in spf {
        let mut zone = Zone::default();
        zone.txt.insert("shop.example", records);
        let (ok, _, advice) = advice(&zone).await.swap_remove(1);
        assert!(!ok && advice.ends_with(expected) || advice.contains("timed out"), "{advice}");
    }
    let mut zone = Zone::default();
    zone.mx.insert("shop.example", vec![""]);
    zone.txt.insert("abc._domainkey.shop.example", vec!["v=DKIM1; p="]);
    zone.txt.insert("own._domainkey.shop.example", vec!["v=DKIM2; p=MIGf"]);
    zone.txt.insert("_dmarc.shop.example", vec!["v=DMARC1; p=none", "v=DMARC1; p=reject"]);
    let told = advice(&zone).await;
    for (index, words) in
        [(0, "takes no mail"), (2, "revoked"), (3, "not a DKIM key"), (4, "2 DMARC records")]
    {
        assert!(!told[index].0 && told[index].2.contains(words), "{told:?}");
    }
    zone.mx.insert("shop.example", vec!["mx.google.example"]);
    zone.txt.insert("_dmarc.shop.example", vec!["v=DMARC1; rua=mailto:a@b.example"]);
    let told = advice(&zone).await;
    assert!(!told[0].0 && told[0].2.contains("Mail goes to mx.google.example."));
    assert!(!told[4].0 && told[4].2.contains("no policy"));
}
