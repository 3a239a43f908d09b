//! Verdicts about senders, with DNS on loopback.

use std::collections::HashMap;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use channels::email::dns::{Exchange as MailExchange, Lookup as _, Resolver};
use channels::email::{ReturnPath, Verdict};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{MX, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::DkimSigner;
use tokio::net::UdpSocket;

use super::*;

const MAIL: &str =
    "From: Ivan <ivan@customer.example>\r\nTo: support@shop.example\r\nSubject: hi\r\n\r\nWhere is it?\r\n";

/// Answers from these texts. A text of `!` is an error of the server, and unknown names do not exist.
pub(super) async fn dns(texts: HashMap<String, String>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut bytes = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut bytes).await {
            let asked = Message::from_vec(&bytes[..length]).unwrap();
            let query = asked.queries[0].clone();
            let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
            answer.metadata.recursion_available = true;
            let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
            match texts.get(&name).map(String::as_str) {
                Some("!") => answer.metadata.response_code = ResponseCode::ServFail,
                Some(text) if query.query_type() == RecordType::TXT => {
                    // Longer texts travel in pieces of 255 bytes.
                    let pieces =
                        text.as_bytes().chunks(255).map(|piece| String::from_utf8(piece.to_vec()).unwrap());
                    let text = RData::TXT(TXT::new(pieces.collect()));
                    answer.add_answer(Record::from_rdata(query.name().clone(), 60, text));
                }
                Some(_) if query.query_type() == RecordType::MX => {
                    let mx = RData::MX(MX::new(10, Name::from_ascii("in.desk.example.").unwrap()));
                    answer.add_answer(Record::from_rdata(query.name().clone(), 60, mx));
                }
                Some(_) => {}
                None => answer.metadata.response_code = ResponseCode::NXDomain,
            }
            answer.add_query(query);
            socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
        }
    });
    address
}

/// Records of a domain whose mails come from 5.6.7.8 and are signed with a key.
fn zone(key: &Ed25519Key) -> HashMap<String, String> {
    let key = BASE64.encode(key.public_key());
    [
        ("customer.example", "v=spf1 ip4:5.6.7.8 -all".to_owned()),
        ("k1._domainkey.customer.example", format!("v=DKIM1; k=ed25519; p={key}")),
        ("_dmarc.customer.example", "v=DMARC1; p=reject".to_owned()),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into()
}

fn key() -> Ed25519Key {
    Ed25519Key::from_pkcs8_der(&Ed25519Key::generate_pkcs8().unwrap()).unwrap()
}

/// The mail with a signature of the domain.
fn signed(key: Ed25519Key, domain: &str) -> String {
    let signer = DkimSigner::from_key(key).domain(domain).selector("k1").headers(["From", "To", "Subject"]);
    signer.sign(MAIL.as_bytes()).unwrap().to_header() + MAIL
}

fn envelope(client: &str, from: Option<&str>) -> Envelope {
    Envelope {
        client: client.parse().unwrap(),
        helo: "mx.customer.example".to_owned(),
        from: from.map(str::to_owned),
        recipients: vec![Recipient { address: "support@shop.example".to_owned(), connection: connection() }],
    }
}

/// The verdicts SPF, DKIM and DMARC.
async fn verdicts(zone: HashMap<String, String>, envelope: &Envelope, mail: &str) -> [Verdict; 3] {
    let resolver = Resolver::at(dns(zone).await).unwrap();
    let arrival =
        Authenticator::new(&resolver, "desk.example".to_owned()).examine(envelope, mail.as_bytes()).await;
    assert_eq!(arrival.recipients, ["support@shop.example"]);
    let from = envelope.from.clone().map_or(ReturnPath::Null, ReturnPath::Address);
    assert_eq!((arrival.envelope_from, arrival.stamped), (Some(from), false));
    [arrival.spf, arrival.dkim, arrival.dmarc]
}

#[tokio::test]
async fn a_sender_is_believed_for_its_server_or_its_signature() {
    use Verdict::{Fail, None as Unknown, Pass};
    let ivan = Some("ivan@customer.example");
    let key =
        || Ed25519Key::from_pkcs8_der(PKCS8.get_or_init(|| Ed25519Key::generate_pkcs8().unwrap())).unwrap();
    static PKCS8: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let good = signed(key(), "customer.example");
    let forged = good.replace("Where is it?", "Send it to Bob.");
    let foreign = signed(key(), "other.example");
    let mut zone = zone(&key());
    zone.insert("k1._domainkey.other.example".to_owned(), zone["k1._domainkey.customer.example"].clone());
    let on_top = |field: &str| format!("{field}\r\n{MAIL}");
    let refused = on_top("Received-SPF: Fail (mx.shop.example: not permitted) client-ip=5.6.7.9");
    let permitted =
        on_top("Authentication-Results: mx.shop.example;\r\n spf=pass smtp.mailfrom=customer.example");
    let claimed = on_top("Received: from x by mx.shop.example\r\nReceived-SPF: Pass");
    let table = [
        ("127.0.0.1", ivan, refused.as_str(), [Fail, Unknown, Fail]),
        ("127.0.0.1", ivan, permitted.as_str(), [Pass, Unknown, Pass]),
        ("127.0.0.1", ivan, claimed.as_str(), [Unknown, Unknown, Unknown]),
        ("5.6.7.9", ivan, permitted.as_str(), [Fail, Unknown, Fail]),
        ("5.6.7.8", ivan, MAIL, [Pass, Unknown, Pass]),
        ("5.6.7.9", ivan, MAIL, [Fail, Unknown, Fail]),
        ("5.6.7.9", ivan, good.as_str(), [Fail, Pass, Pass]),
        ("5.6.7.8", Some("bounce@elsewhere.example"), good.as_str(), [Unknown, Pass, Pass]),
        ("5.6.7.9", ivan, forged.as_str(), [Fail, Fail, Fail]),
        ("5.6.7.9", ivan, foreign.as_str(), [Fail, Pass, Fail]),
        // Without SPF, which our own server judged, nobody can say that DMARC fails; unless the text was changed.
        ("127.0.0.1", ivan, MAIL, [Unknown, Unknown, Unknown]),
        ("127.0.0.1", ivan, forged.as_str(), [Unknown, Fail, Fail]),
        ("192.168.1.9", ivan, good.as_str(), [Unknown, Pass, Pass]),
        ("::1", None, good.as_str(), [Unknown, Pass, Pass]),
        ("5.6.7.8", ivan, "From: x@nowhere.example\r\n\r\nhi", [Pass, Unknown, Unknown]),
        ("5.6.7.8", ivan, "", [Pass, Unknown, Unknown]),
    ];
    for (client, from, mail, expected) in table {
        let found = verdicts(zone.clone(), &envelope(client, from), mail).await;
        assert_eq!(found, expected, "{client} {from:?} {mail}");
    }
}

#[tokio::test]
async fn dns_that_fails_decides_nothing() {
    use Verdict::TempError;
    let key = key();
    let broken = zone(&key).into_keys().map(|name| (name, "!".to_owned())).collect();
    let mail = signed(key, "customer.example");
    let found = verdicts(broken, &envelope("5.6.7.8", Some("ivan@customer.example")), &mail).await;
    assert_eq!(found, [TempError, TempError, TempError]);
}

#[tokio::test]
async fn a_heap_of_signatures_is_not_looked_at() {
    let key = key();
    let zone = zone(&key);
    let good = signed(key, "customer.example");
    let signature = good.strip_suffix(MAIL).unwrap();
    let mail = format!("{}{MAIL}", signature.repeat(11));
    let found = verdicts(zone, &envelope("5.6.7.9", Some("ivan@customer.example")), &mail).await;
    assert_eq!(found, [Verdict::Fail, Verdict::PermError, Verdict::PermError]);
}

#[tokio::test]
async fn the_resolver_tells_texts_and_hosts() {
    let long = format!("v=DKIM1; p={}", "A".repeat(600));
    let texts = [("long.example", long.as_str()), ("broken.example", "!")];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let resolver = Resolver::at(dns(texts.into()).await).unwrap();
    assert_eq!(resolver.txt("long.example").await, Ok(vec![long]));
    let host = MailExchange { preference: 10, host: "in.desk.example".to_owned() };
    assert_eq!(resolver.mx("long.example.").await, Ok(vec![host]));
    assert_eq!(resolver.txt("nothing.example").await, Ok(Vec::new()));
    assert!(resolver.txt("broken.example").await.is_err());
}
