//! Cutting replies into what Telegram takes.

use channels::Platform;
use channels::platform::{FileInfo, Message, Part};
use channels::telegram::Telegram;
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation as _;

fn text(text: impl Into<String>) -> Message {
    Message { text: Some(text.into()), ..Message::default() }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn texts(message: &Message) -> Vec<String> {
    Telegram.split(message).unwrap().into_iter().filter_map(|part| part.text).collect()
}

fn file(size: u64) -> FileInfo {
    FileInfo { content_type: "application/pdf".to_owned(), size }
}

#[test]
fn a_short_text_is_one_part() {
    let message = Message { reply_to: Some("5".to_owned()), ..text("  Hello\r\nthere \n") };
    let whole = Part {
        text: Some("Hello\nthere".to_owned()),
        files: vec![],
        links: vec![],
        reply_to: Some("5".to_owned()),
    };
    assert_eq!(Telegram.split(&message), Ok(vec![whole]));
}

#[test]
fn a_text_is_measured_in_utf16() {
    assert_eq!(texts(&text("a".repeat(4096))).len(), 1);
    assert_eq!(texts(&text("a".repeat(4097))).len(), 2);
    assert_eq!(texts(&text("😀".repeat(2048))).len(), 1);
    assert_eq!(texts(&text("😀".repeat(2049))).len(), 2);
    assert_eq!(texts(&text("ж".repeat(4096))).len(), 1);
}

#[test]
fn a_cut_prefers_the_larger_break() {
    let long = |separator: &str| {
        format!("{}{separator}{}", "word ".repeat(600).trim_end(), "tail ".repeat(600).trim_end())
    };
    for separator in ["\n\n", "\n", ". "] {
        let parts = texts(&text(long(separator)));
        assert_eq!(parts.len(), 2, "{separator:?}");
        assert!(parts[1].starts_with("tail"), "{separator:?}");
    }
    // A paragraph that ends too early would make a tiny part.
    let parts = texts(&text(format!("Hi\n\n{}", "word ".repeat(1000))));
    assert!(units(&parts[0]) > 4000);
    assert!(parts[0].ends_with("word"));
}

#[test]
fn only_the_first_part_answers() {
    let message = Message { reply_to: Some("5".to_owned()), ..text("a ".repeat(6000)) };
    let answers: Vec<bool> =
        Telegram.split(&message).unwrap().iter().map(|part| part.reply_to.is_some()).collect();
    assert_eq!(answers, [true, false, false]);
}

#[test]
fn a_text_that_fits_is_the_caption_of_the_first_file() {
    let part = |text: Option<&str>, file: Option<usize>| Part {
        text: text.map(str::to_owned),
        files: file.into_iter().collect(),
        links: vec![],
        reply_to: None,
    };
    let fits = "a".repeat(1024);
    let message = Message { files: vec![file(1), file(2)], ..text(fits.clone()) };
    assert_eq!(Telegram.split(&message).unwrap(), [part(Some(&fits), Some(0)), part(None, Some(1))]);
    let long = "a".repeat(1025);
    let message = Message { files: vec![file(1), file(2)], ..text(long.clone()) };
    assert_eq!(
        Telegram.split(&message).unwrap(),
        [part(Some(&long), None), part(None, Some(0)), part(None, Some(1))]
    );
    let message = Message { files: vec![file(1)], ..text(" \n ") };
    assert_eq!(Telegram.split(&message).unwrap(), [part(None, Some(0))]);
}

#[test]
fn the_sender_is_named_in_the_first_line() {
    let named = |text: Option<&str>, files: Vec<FileInfo>| {
        let sender_name = Some(" Anna ".to_owned());
        texts(&Message { text: text.map(str::to_owned), files, sender_name, reply_to: None })
    };
    assert_eq!(named(Some("Hello"), vec![]), ["Anna:\nHello"]);
    assert_eq!(named(None, vec![file(1)]), ["Anna:"]);
    assert_eq!(named(Some(&"a".repeat(4096)), vec![]).len(), 2);
}

#[test]
fn nothing_and_too_much_cannot_be_sent() {
    for blank in ["", " ", "\n\t\r\n", "\u{200b}", "\u{0}\u{7}", "\u{2800}", "\u{feff}\u{200e}"] {
        assert_eq!(Telegram.split(&text(blank)).unwrap_err().reason, "empty", "{blank:?}");
        let named = Message { sender_name: Some("Anna".to_owned()), ..text(blank) };
        assert_eq!(Telegram.split(&named).unwrap_err().reason, "empty", "{blank:?}");
    }
    assert_eq!(Telegram.split(&Message::default()).unwrap_err().reason, "empty");
    let sized = |size| Telegram.split(&Message { files: vec![file(size)], ..text("x") });
    assert!(sized(50 * 1024 * 1024).is_ok());
    assert_eq!(sized(50 * 1024 * 1024 + 1).unwrap_err().reason, "file_too_large");
    assert_eq!(sized(0).unwrap_err().reason, "empty_file");
}

#[test]
fn control_characters_do_no_harm() {
    assert_eq!(texts(&text("a\u{0}b\u{7}c")), ["a\u{0}b\u{7}c"]);
}

#[test]
fn a_cluster_longer_than_a_message_is_cut_all_the_same() {
    let parts = texts(&text(format!("a{}", "\u{301}".repeat(10_000))));
    assert!(parts.iter().all(|part| units(part) <= 4096));
    assert_eq!(parts.concat().chars().count(), 10_001);
}

#[test]
fn a_megabyte_is_cut_in_good_time() {
    let started = std::time::Instant::now();
    let worst = [
        format!("a{}", "\u{301}".repeat(500_000)),
        "🇸🇪".repeat(125_000),
        "a".repeat(1_000_000),
        "a. ".repeat(330_000),
    ];
    for text_of_a_megabyte in worst {
        texts(&text(text_of_a_megabyte));
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// Clusters of more than one character, and what stands between them.
const CLUSTERS: &[&str] = &["👩‍👩‍👧‍👦", "🇸🇪", "e\u{301}", "👍🏽", "각", "a", "bc", "😀"];

/// Texts of words, blanks and clusters that are hard to cut.
fn hard_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Zа-яё一-龥]{1,12}",
        1 => "[a-z]{500,900}",
        4 => prop::sample::select(vec![" ", "\n", "\n\n", ". ", "! ", "。", "\r\n", "\t", "\u{a0}"]).prop_map(str::to_owned),
        3 => prop::sample::select(vec!["👩‍👩‍👧‍👦", "🇸🇪", "e\u{301}", "👍🏽", "각", "ก็", "\u{200d}", "\u{301}", "😀"]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    (prop::collection::vec(piece, 1..60), 1..40_usize)
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_text_fits_and_loses_nothing(original in hard_text()) {
        let Ok(parts) = Telegram.split(&text(original.clone())) else { return Ok(()) };
        let parts: Vec<String> = parts.into_iter().filter_map(|part| part.text).collect();
        for part in &parts {
            prop_assert!(units(part) <= 4096 && !part.is_empty());
        }
        prop_assert_eq!(without_blanks(&parts.concat()), without_blanks(&original));
    }

    #[test]
    fn no_cluster_is_cut(
        pieces in prop::collection::vec(prop::sample::select(CLUSTERS), 50..150),
        times in 10..40_usize,
    ) {
        let original = pieces.concat().repeat(times);
        let parts = texts(&text(original.clone()));
        let clusters: Vec<&str> = original.graphemes(true).collect();
        let after: Vec<&str> = parts.iter().flat_map(|part| part.graphemes(true)).collect();
        prop_assert_eq!(clusters, after);
    }
}
