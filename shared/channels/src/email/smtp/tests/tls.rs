//! A server that is asked to encrypt before anything is said to it that matters.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::super::answer::{Failure, Step, send_error};
use super::super::connection::Connection;
use super::super::session::Session;
use super::super::{DOT_TIMEOUT, Server, Transfer};
use super::{MAIL, PEN_FRIEND};
use crate::platform::SendError;

const HOST: &str = "mail.test";
const OFFERS: &str = "250-mail.test\r\n250-STARTTLS\r\n250 AUTH LOGIN\r\n";

/// The certificate of [`HOST`], which whoever made it vouches for.
fn certified() -> (CertificateDer<'static>, ServerConfig) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([HOST.to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into());
    let mut config = config.unwrap();
    // A server that agrees on mail alone refuses whoever wants to speak something else.
    config.alpn_protocols = vec![b"smtp".to_vec()];
    (cert.der().clone(), config)
}

fn trusting(certificates: &[CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Answers each line with the next of these, and returns the lines, as long as there are both.
async fn converse(
    stream: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>,
    answers: &[&str],
) -> Vec<String> {
    let mut lines = Vec::new();
    for answer in answers {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or_default() == 0 {
            break;
        }
        lines.push(line.trim_end().to_owned());
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    lines
}

/// Sends a mail to a server that answers STARTTLS like this. What came of it, and what the server heard under encryption.
async fn send(trusted: bool, to_start_tls: &'static str) -> (Result<Vec<String>, SendError>, Vec<String>) {
    let (near, far) = tokio::io::duplex(1024);
    let (certificate, config) = certified();
    let hearing = tokio::spawn(async move {
        let mut plain = BufReader::new(far);
        plain.write_all(b"220 mail.test\r\n").await.unwrap();
        let said = converse(&mut plain, &[OFFERS, to_start_tls]).await;
        assert_eq!(said, ["EHLO shop.example", "STARTTLS"]);
        let Ok(stream) = TlsAcceptor::from(Arc::new(config)).accept(plain.into_inner()).await else {
            return Vec::new();
        };
        let answers = [OFFERS, "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "235 In\r\n", "250 Ok\r\n"];
        let taken = ["250 Ok\r\n", "354 Go on\r\n", "", "", "", "", "250 Taken\r\n", "221 Bye\r\n"];
        converse(&mut BufReader::new(stream), &[answers.as_slice(), &taken].concat()).await
    });
    let server: Server = "smtp://user:s3cr%40t@mail.test".parse().unwrap();
    let transfer = Transfer {
        server: &server,
        sender: "support@shop.example".to_owned(),
        recipients: vec![PEN_FRIEND.to_owned()],
        mail: MAIL,
    };
    let tls = trusting(if trusted { std::slice::from_ref(&certificate) } else { &[] });
    let encrypted = async {
        let until = Instant::now() + DOT_TIMEOUT;
        let session = Session::greeted(Connection::over(near), transfer.hello(), until).await?;
        session.encrypted(&server, tls, transfer.hello()).await
    };
    let sent = match encrypted.await.map_err(|failure: Failure| (Step::Connect, failure)) {
        Ok(session) => transfer.run_over(session).await,
        Err(failed) => Err(failed),
    };
    let sent = sent.map_err(|(step, failure)| send_error(step, failure, &server));
    (sent, hearing.await.unwrap())
}

#[tokio::test]
async fn a_mail_goes_encrypted() {
    let (sent, heard) = send(true, "220 Go\r\n").await;
    sent.unwrap();
    let (login, mail) = heard.split_at(4);
    assert_eq!(login, ["EHLO shop.example", "AUTH LOGIN", "dXNlcg==", "czNjckB0"]);
    let mail: Vec<&str> = mail.iter().map(String::as_str).collect();
    assert_eq!(
        mail,
        [
            "MAIL FROM:<support@shop.example>",
            "RCPT TO:<maria@trade.example>",
            "DATA",
            "Subject: hi",
            "",
            "..leading dot",
            "end",
            ".",
            "QUIT"
        ]
    );
}

#[tokio::test]
async fn nothing_is_said_to_a_server_that_nobody_vouches_for() {
    let (sent, heard) = send(false, "220 Go\r\n").await;
    assert_eq!(sent.unwrap_err().reason, "tls");
    assert_eq!(heard, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_said_before_encryption_is_not_heard_after_it() {
    let (sent, heard) = send(true, "220 Go\r\n250-mail.test\r\n250 AUTH PLAIN\r\n").await;
    assert_eq!(sent.unwrap_err().reason, "unreachable");
    assert_eq!(heard, Vec::<String>::new());
}
