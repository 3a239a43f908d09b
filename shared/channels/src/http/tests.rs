use std::net::SocketAddr;
use std::sync::Mutex;

use reqwest::dns::{Addrs, Name, Resolving};

use super::*;

/// Answers from a list, the last one for ever: a name that changes its mind.
struct Script(Mutex<Vec<Vec<SocketAddr>>>);

impl Resolve for Script {
    fn resolve(&self, _: Name) -> Resolving {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(Box::new(answer.into_iter()) as Addrs) })
    }
}

fn scripted(answers: &[&[&str]]) -> Http {
    let answers =
        answers.iter().map(|ips| ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect());
    Http::with_resolver(Arc::new(Script(Mutex::new(answers.collect()))))
}

fn get(url: &Url) -> Call {
    let timeout = Duration::from_millis(300);
    Call { method: Method::GET, url: url.clone(), body: Body::Empty, timeout, limit: 1000 }
}

/// Accepts connections, and counts them.
async fn trap() -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hits = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&hits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    (port, hits)
}

#[test]
fn special_addresses_are_not_public() {
    let special = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.100.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "5f00::1",
    ];
    for address in special {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    let public = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "100.63.255.255",
        "100.128.0.0",
        "149.154.167.220",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "192.167.0.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "2001:67c:4e8:f004::9",
        "2606:4700::1111",
        "64:ff9b::808:808",
    ];
    for address in public {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

#[tokio::test]
async fn no_spelling_of_a_local_address_gets_through() {
    let (port, hits) = trap().await;
    let http = Http::new();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0177.1",
        "017700000001",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "0x0",
        "00",
        "127.000.000.001",
        "%31%32%37.0.0.1",
        "127%2E0%2E0%2E1",
        "１２７.0.0.1",
        "127。0。0。1",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "user@127.0.0.1",
        "api.telegram.org@127.0.0.1",
    ];
    for host in hosts {
        let Ok(url) = Url::parse(&format!("http://{host}:{port}/")) else { continue };
        let error = http.call(get(&url), &[Origin::public(&url)]).await.unwrap_err();
        assert_eq!(error.reached, Reached::No, "{host}");
        // The last resort of a name that does not resolve at all is just as good.
        assert!(matches!(error.reason, "forbidden_address" | "unreachable"), "{host}: {error}");
    }
    assert_eq!(hits.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_call_goes_to_an_allowed_origin_only() {
    let (port, hits) = trap().await;
    let http = Http::new();
    let allowed = [Origin::trusted(&Url::parse(&format!("http://127.0.0.1:{port}")).unwrap())];
    let elsewhere = [
        format!("http://127.0.0.1:{}/", port ^ 1),
        format!("https://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://user:word@127.0.0.1:{port}/"),
        format!("http://user@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}@example.com/"),
        format!("ftp://127.0.0.1:{port}/"),
        "file:///proc/self/environ".to_owned(),
        "data:,x".to_owned(),
    ];
    for url in elsewhere {
        let error = http.call(get(&Url::parse(&url).unwrap()), &allowed).await.unwrap_err();
        assert_eq!((error.reason, error.reached), ("forbidden_address", Reached::No), "{url}");
    }
    assert_eq!(hits.load(std::sync::atomic::Ordering::SeqCst), 0);
    let inside = Url::parse(&format!("http://127.0.0.1:{port}/path")).unwrap();
    assert_eq!(http.call(get(&inside), &allowed).await.unwrap_err().reached, Reached::Maybe);
    assert_eq!(hits.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_with_one_private_address_is_refused() {
    for ips in [&["127.0.0.1"][..], &["8.8.8.8", "127.0.0.1"], &["::ffff:127.0.0.1"], &["fd00:ec2::254"]] {
        let (port, hits) = trap().await;
        let url = Url::parse(&format!("http://rebound.example:{port}/")).unwrap();
        let error = scripted(&[ips]).call(get(&url), &[Origin::public(&url)]).await.unwrap_err();
        assert_eq!((error.reason, error.reached), ("forbidden_address", Reached::No), "{ips:?}");
        assert_eq!(hits.load(std::sync::atomic::Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let (port, hits) = trap().await;
    // A public answer that nobody listens at, then a private one.
    let http = scripted(&[&["192.0.0.9"], &["127.0.0.1"]]);
    let url = Url::parse(&format!("http://rebound.example:{port}/")).unwrap();
    for _ in 0..3 {
        assert!(http.call(get(&url), &[Origin::public(&url)]).await.is_err());
    }
    assert_eq!(hits.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_guarded_call_never_uses_a_trusted_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://own.example:{}/", listener.local_addr().unwrap().port())).unwrap();
    let app = axum::Router::new().fallback(|| async { "hello" });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let http = scripted(&[&["127.0.0.1"]]);
    assert_eq!(http.call(get(&url), &[Origin::trusted(&url)]).await.unwrap().body, "hello");
    assert_eq!(http.call(get(&url), &[Origin::public(&url)]).await.unwrap_err().reason, "forbidden_address");
}
