//! DNS records of a mail domain, and the headers that tell a desk's own address.

use async_trait::async_trait;
use channels::address::Address;
use channels::email::dns::{Dkim, Exchange, Expectations, Lookup, NoAnswer, examine_domain};
use http::header::{FORWARDED, HOST};
use http::{HeaderMap, HeaderValue, Uri};
use mutations::{config, damaged, damaged_text};
use proptest::prelude::*;

use super::at_once;

const RECORDS: [&str; 10] = [
    "v=spf1 include:_spf.mx.example ip4:192.0.2.0/24 -all",
    "v=spf1 +all",
    "v=spf1 redirect=_spf.provider.example",
    "v=spf1 a mx ip6:2001:db8::/32 exists:%{i}.x.example ~all",
    "v=DMARC1; p=reject; rua=mailto:d@shop.example; pct=100",
    "v=DMARC1; p=none",
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC",
    "k=rsa; p=",
    "google-site-verification=abc",
    "",
];

/// Says the same texts of every name.
struct Zone {
    texts: Vec<String>,
    hosts: Vec<(u16, String)>,
}

#[async_trait]
impl Lookup for Zone {
    async fn txt(&self, _: &str) -> Result<Vec<String>, NoAnswer> {
        Ok(self.texts.clone())
    }

    async fn mx(&self, _: &str) -> Result<Vec<Exchange>, NoAnswer> {
        let exchange =
            |(preference, host): &(u16, String)| Exchange { preference: *preference, host: host.clone() };
        Ok(self.hosts.iter().map(exchange).collect())
    }
}

fn expectations() -> Expectations {
    Expectations {
        mx: Some("in.desk.example".to_owned()),
        spf: Some("include:amazonses.com".to_owned()),
        dkim: vec![Dkim { selector: "abc".to_owned(), record: None }],
    }
}

fn records() -> Vec<Vec<u8>> {
    RECORDS.map(|record| record.as_bytes().to_vec()).to_vec()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_advised_about_records_helps(
        texts in prop::collection::vec(damaged_text(records()), 0..4),
        hosts in prop::collection::vec((any::<u16>(), "[a-z.]{0,20}"), 0..3),
        domain in damaged_text(vec![b"shop.example".to_vec(), "почта.рф.".as_bytes().to_vec()]),
    ) {
        let zone = Zone { texts, hosts };
        for finding in at_once(examine_domain(&zone, &domain, &expectations())) {
            prop_assert_eq!(finding.ok, finding.advice.is_none(), "{:?}", finding);
        }
        let findings = at_once(examine_domain(&zone, "shop.example", &expectations()));
        let spf = findings.iter().find(|finding| finding.what.starts_with("SPF")).unwrap();
        if let Some((_, record)) = spf.advice.as_deref().and_then(|advice| advice.split_once(", type TXT, value ")) {
            let mended = Zone { texts: vec![record.to_owned()], hosts: Vec::new() };
            let findings = at_once(examine_domain(&mended, "shop.example", &expectations()));
            let spf = findings.iter().find(|finding| finding.what.starts_with("SPF")).unwrap();
            prop_assert!(spf.ok, "{:?}", spf);
        }
    }

    #[test]
    fn no_header_makes_an_address_that_is_none(
        host in damaged(vec![b"desk.example.org:8080".to_vec(), b"[::1]:80".to_vec(), b"127.0.0.1".to_vec()]),
        forwarded in damaged(vec![b"for=1.2.3.4;host=\"desk.example.org\";proto=https, for=2.2.2.2".to_vec()]),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in [(HOST, host), (FORWARDED, forwarded)] {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(name, value);
            }
        }
        let address = Address::of_request(&headers, &Uri::from_static("/api/v1/connections"));
        let (scheme, host) = address.url.split_once("://").unwrap();
        prop_assert!(["http", "https"].contains(&scheme));
        prop_assert!(!host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']), "{}", address.url);
    }
}
