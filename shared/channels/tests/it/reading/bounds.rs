//! Mails that are too much of something.

use channels::email::{Arrival, attachment, read, stamp};

const FROM: &str = "From: a@b.example\r\n";

fn noted(bytes: &[u8], words: &str) {
    let notes = read(bytes).notes;
    assert!(notes.iter().any(|note| note.contains(words)), "{words}: {notes:?}");
}

#[test]
fn nesting_is_bounded() {
    let deep: String = (0..200)
        .map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"))
        .collect();
    let bytes = format!("{FROM}{deep}\r\nthe text").into_bytes();
    noted(&bytes, "20 levels");
    let mail = read(&bytes);
    assert_eq!(mail.attachments.len(), 1);
    // What is not told apart can be had as a file.
    assert!(attachment(&bytes, 0).unwrap().ends_with(b"the text"));
}

#[test]
fn the_number_of_parts_is_bounded() {
    let part = "--m\r\nContent-Type: image/png\r\n\r\nx\r\n";
    let bytes = format!("{FROM}Content-Type: multipart/mixed; boundary=m\r\n\r\n{}", part.repeat(100_000));
    assert_eq!(read(bytes.as_bytes()).attachments.len(), 1_000);
    noted(bytes.as_bytes(), "1,000 parts");
}

#[test]
fn headers_are_bounded() {
    let bytes = format!("{FROM}{}\r\nthe text", "X-Long: y\r\n".repeat(100_000));
    noted(bytes.as_bytes(), "256 KB");
    assert_eq!(read(bytes.as_bytes()).text, "the text");
    let folded = format!("{FROM}Subject: {}\r\n\r\nthe text", "word\r\n ".repeat(100_000));
    let mail = read(folded.as_bytes());
    assert_eq!(mail.text, "the text");
    assert!(mail.subject.chars().count() <= 1_000);
}

#[test]
fn recipients_are_bounded_and_counted() {
    let to: Vec<String> = (0..1_000).map(|number| format!("P {number} <p{number}@b.example>")).collect();
    let mail = read(format!("{FROM}To: {}\r\n\r\n", to.join(",\r\n ")).as_bytes());
    assert_eq!((mail.to.len(), mail.mailboxes_left_out), (200, 800));
}

#[test]
fn text_is_bounded() {
    let text = "слово ".repeat(1_000_000);
    let bytes = format!("{FROM}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}").into_bytes();
    let mail = read(&bytes);
    assert!(mail.text.starts_with("слово слово") && mail.text.len() <= 5 * 1024 * 1024);
    noted(&bytes, "5 MB");
    let html = format!("{FROM}Content-Type: text/html\r\n\r\n<p>{}", "<b>word</b> ".repeat(500_000));
    let mail = read(html.as_bytes());
    assert!(mail.html.is_none());
    assert!(mail.text.starts_with("word word"));
}

#[test]
fn what_bends_the_rules_of_base64_is_still_a_file() {
    let bytes = format!(
        "{FROM}Content-Type: application/zip; name=\"{}.zip\"\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVs*bG8",
        "a/".repeat(5_000)
    );
    let mail = read(bytes.as_bytes());
    assert_eq!((mail.attachments[0].name.as_str(), mail.attachments[0].size), (".zip".trim_matches('.'), 5));
}

#[test]
fn a_stamp_adds_only_itself() {
    let bytes = format!("{FROM}\r\n{}", "x".repeat(1_000_000)).into_bytes();
    let stamped = stamp(&bytes, &Arrival::default());
    assert!(stamped.ends_with(&bytes));
    assert!(stamped.len() < bytes.len() + 1_024);
}
