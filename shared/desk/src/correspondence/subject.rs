//! What a subject says, apart from what mail programs make of it.

/// Whether subjects are about something else altogether: not the same words with a prefix or a number.
pub(super) fn differ(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (bare_subject(ours), bare_subject(theirs));
    let (ours, theirs) = (words(&ours), words(&theirs));
    let (short, long) = if ours.len() < theirs.len() { (ours, theirs) } else { (theirs, ours) };
    !short.is_empty() && !long.windows(short.len()).any(|part| part == short)
}

/// The words of a text without its punctuation. Accents may be written as characters of their own.
fn words(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c);
    text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect()
}

/// A subject without the prefixes of answers and forwards, ticket numbers, case and white space.
pub fn bare_subject(subject: &str) -> String {
    let mut rest = subject.trim();
    while let Some(stripped) = without_prefix(rest) {
        rest = stripped.trim_start();
    }
    let words: Vec<String> =
        rest.split_whitespace().filter(|word| !is_ticket_number(word)).map(str::to_lowercase).collect();
    words.join(" ")
}

/// The subject without one prefix such as `Re:`, `AW[2]:` or `[External]`.
fn without_prefix(subject: &str) -> Option<&str> {
    const PREFIXES: [&str; 20] = [
        "re",
        "aw",
        "sv",
        "vs",
        "antw",
        "ref",
        "res",
        "rv",
        "fw",
        "fwd",
        "wg",
        "tr",
        "enc",
        "ha",
        "на",
        "ответ",
        "отв",
        "нa",
        "пересл",
        "fyi",
    ];
    if subject.starts_with('[')
        && let Some((_, rest)) = subject.split_once(']')
        && !rest.trim().is_empty()
    {
        return Some(rest);
    }
    let (prefix, rest) = subject.split_once(':')?;
    let prefix = prefix.split('[').next().unwrap_or_default().trim().to_lowercase();
    PREFIXES.contains(&prefix.as_str()).then_some(rest)
}

fn is_ticket_number(word: &str) -> bool {
    let digits = word.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')' | '#' | ':'));
    word.contains('#') && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ticket number in a subject: `[#1024]` or `#1024`.
pub fn number_in(subject: &str) -> Option<u64> {
    subject
        .split_whitespace()
        .filter(|word| is_ticket_number(word))
        .find_map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_numbers_make_no_new_subject() {
        for same in [
            "Re: Broken lamp",
            "RE: FW: broken  LAMP",
            "AW[2]: [#1024] Broken lamp",
            "Ответ: Broken lamp (was: help)",
            "[External] Re: Broken lamp #7",
            "",
            "Re:",
            "lamp",
        ] {
            assert!(!differ("Broken lamp", same), "{same}");
        }
        assert!(differ("Broken lamp", "Invoice for May"));
        assert!(differ("Broken lamp", "Re: Invoice for May"));
    }

    #[test]
    fn subjects_are_compared_by_whole_words() {
        let new = |ours: &str, theirs: &str| {
            let new = differ(ours, theirs);
            assert_eq!(differ(theirs, ours), new, "{ours} / {theirs}");
            new
        };
        for (ours, theirs) in [
            ("Hi", "Shipping address is wrong"),
            ("or", "My order"),
            ("Лампа", "Лампады нет"),
            ("Счёт", "Расчёт"),
            ("Счёт за май", "Счёт"),
            ("灯", "灯笼坏了"),
            ("is wrong, the address", "The address is wrong"),
        ] {
            assert_eq!(new(ours, theirs), theirs != "Счёт", "{ours} / {theirs}");
        }
        for (ours, theirs) in [
            ("Broken lamp", "Broken lamp!"),
            ("Broken lamp", "\"Broken lamp\" — again"),
            ("ЛАМПА не горит", "Re: Лампа не горит, и ещё"),
            ("破损的灯", "回复：破损的灯"),
            ("Cafe\u{301} order", "Re: CAFE\u{301} order"),
            ("!!!", "Anything"),
            ("", "Anything"),
        ] {
            assert!(!new(ours, theirs), "{ours} / {theirs}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_subject_with_more_around_it_is_the_same_and_a_part_of_a_word_is_not(
            words in proptest::collection::vec("\\p{L}{2,8}", 1..5),
            more in "\\p{L}{1,8}",
        ) {
            let subject = words.join(" ");
            for same in [subject.clone(), format!("Re: {subject}, {more}"), format!("{more} – {subject}")] {
                proptest::prop_assert!(!differ(&subject, &same), "{}", same);
            }
            let longer = words.iter().map(|word| format!("{word}q7")).collect::<Vec<_>>().join(" ");
            proptest::prop_assert!(differ(&subject, &longer), "{}", longer);
        }
    }

    #[test]
    fn a_number_is_found_where_it_is_marked() {
        assert_eq!(number_in("Re: [#1024] Lamp"), Some(1024));
        assert_eq!(number_in("Lamp #7:"), Some(7));
        assert_eq!(number_in("Order 1024"), None);
        assert_eq!(number_in("C# and #rust"), None);
        assert_eq!(number_in(&format!("#{}", "9".repeat(40))), None);
    }
}
