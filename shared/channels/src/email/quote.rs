//! What somebody wrote now, apart from the history and the signature below it.
//!
//! Folding is a courtesy, and what is folded is kept; swallowing somebody's words would be an error. So an answer
//! that is written between the lines of a quote leaves the whole mail as it is, and so does a forward.

mod history;
mod signature;

use history::History;

/// A mail's text in its three pieces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Folded {
    pub(super) text: String,
    pub(super) quoted: Option<String>,
    pub(super) signature: Option<String>,
}

/// Folds a text. `forward` says that the subject calls the mail a forward.
pub(super) fn fold(text: &str, forward: bool) -> Folded {
    let lines: Vec<&str> = text.lines().collect();
    let (own, quoted, below) = match history::find(&lines, forward) {
        Some(History::Below { start, end }) => (
            lines.get(..start).unwrap_or_default().to_vec(),
            joined(lines.get(start..end).unwrap_or_default()),
            joined(lines.get(end..).unwrap_or_default()),
        ),
        Some(History::Forward { start }) => {
            let (before, forwarded) = lines.split_at_checked(start).unwrap_or((&lines, &[]));
            let unquoted = forwarded.iter().map(|line| line.get(quote_mark(line)..).unwrap_or_default());
            (before.iter().copied().chain(unquoted).collect(), None, None)
        }
        None => (lines, None, None),
    };
    let start = signature::find(&own);
    let signature = joined(own.get(start..).unwrap_or_default());
    let signature = match (signature, below) {
        (Some(above), Some(below)) => Some(format!("{above}\n{below}")),
        (above, below) => above.or(below),
    };
    Folded { text: joined(own.get(..start).unwrap_or_default()).unwrap_or_default(), quoted, signature }
}

/// Whether a subject calls its mail a forward.
pub(super) fn is_forward(subject: &str) -> bool {
    let subject = subject.trim_start().to_lowercase();
    ["fwd:", "fw:", "пересл:", "перес:", "fwd[", "tr:", "wg:", "rv:", "enc:", "doorst:"]
        .iter()
        .any(|prefix| subject.starts_with(prefix))
}

fn joined(lines: &[&str]) -> Option<String> {
    let text = lines.join("\n");
    let text = text.trim_matches('\n').trim_end();
    let first_with_text =
        text.lines().take_while(|line| line.trim().is_empty()).map(|line| line.len() + 1).sum();
    let text = text.get(first_with_text..).unwrap_or_default();
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// The length of one quote mark at the beginning of a line, with the blank after it.
fn quote_mark(line: &str) -> usize {
    match line.strip_prefix('>') {
        Some(rest) if rest.starts_with(' ') => 2,
        Some(_) => 1,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> (String, Option<String>, Option<String>) {
        let folded = fold(text, false);
        (folded.text, folded.quoted, folded.signature)
    }

    /// Each of these ends an answer; what follows is history.
    const HEADERS: &[&str] = &[
        "On Mon, 5 May 2025 at 10:00, Ivan Petrov <ivan@x.ru> wrote:\n> old",
        "On Mon, 5 May 2025 at 10:00, Ivan Petrov from a very long department\n<ivan@x.ru> wrote:\n\n> old",
        "пн, 5 мая 2025 г. в 10:00, Ivan Petrov <ivan@x.ru>:\n> old",
        "05.05.2025, 10:00, \"Иван Петров\" <ivan@x.ru>:\nold",
        "05.05.2025 10:00, Иван Петров пишет:\n> old",
        "Понедельник, 5 мая 2025, 10:00 +03:00 от Иван Петров <ivan@x.ru>:\n \nold",
        "Вы писали 5 мая 2025 г., 10:00:00:\n> old",
        "Am 05.05.25 um 10:00 schrieb Ivan:\n> old",
        "-----Original Message-----\nFrom: Ivan\nold",
        "-------- Исходное сообщение --------\nold",
        "________________________________\nFrom: Ivan <ivan@x.ru>\nSent: Monday\nTo: Us\nSubject: x\n\nold",
        "От: Иван <ivan@x.ru>\nОтправлено: 5 мая 2025 г. 10:00\nКому: Us\nТема: x\n\nold",
        "*From:* Ivan\n*Date:* Monday\n*To:* Us\n\nold",
        "> old\n>> older",
        "a régi levél, 2025. 05. 05.:\n> old",
    ];

    #[test]
    fn history_is_folded_away() {
        for header in HEADERS {
            let (text, quoted, signature) = pieces(&format!("Thank you!\n\n{header}\n"));
            assert_eq!((text.as_str(), signature), ("Thank you!", None), "{header}");
            assert_eq!(quoted.as_deref(), Some(*header), "{header}");
        }
    }

    #[test]
    fn nobody_s_own_words_are_folded_away() {
        for text in [
            "On Mon, 5 May 2025, Ivan <ivan@x.ru> wrote:\n> a?\n\nyes\n\n> b?\n\nno",
            "> a?\nyes",
            "> a?\n\nyes\n\n> b?\n> c",
            "On Mon, 5 May 2025, Ivan <ivan@x.ru> wrote:\n> old\n\nThank you!",
            "Вчера в 12:30 ваш сотрудник написал:\nмы всё вернём. Где деньги?",
            "In 2019 he wrote:\nwe shall return it",
            "The form asks\nFrom: where?\nand I do not know.",
            "-----Original Message-----\nFrom: Ivan\nonly a quote",
            "Here:\n----\nmy list\n----",
            "5 > 3\n> 2",
        ] {
            assert_eq!(pieces(text), (text.to_owned(), None, None));
        }
    }

    #[test]
    fn a_forward_is_what_the_person_sends() {
        let text =
            "Please see.\n\n---------- Forwarded message ---------\nFrom: Ivan <ivan@x.ru>\n\nthe case";
        assert_eq!(pieces(text), (text.to_owned(), None, None));
        let outlook = "Please see.\n\nFrom: Ivan\nSent: Monday\nTo: me\nSubject: x\n\nthe case";
        assert_eq!(fold(outlook, true).text, outlook);
        assert_eq!(fold(outlook, false).text, "Please see.");
        let marked = "See.\n\n> ---------- Forwarded message ---------\n> From: Ivan\n> > a";
        assert_eq!(
            fold(marked, false).text,
            "See.\n\n---------- Forwarded message ---------\nFrom: Ivan\n> a"
        );
    }

    #[test]
    fn signatures_are_folded_and_kept() {
        for (text, own, signature) in [
            ("It broke.\n\n-- \nIvan", "It broke.", "-- \nIvan"),
            ("It broke.\n\nSent from my iPhone", "It broke.", "Sent from my iPhone"),
            ("Сломалось.\n\nОтправлено с iPhone", "Сломалось.", "Отправлено с iPhone"),
            (
                "Сломалось.\n--\nОтправлено из мобильной Почты Mail.ru",
                "Сломалось.",
                "--\nОтправлено из мобильной Почты Mail.ru",
            ),
            ("Сломалось.\n\nС уважением,\nИван\n+7 900", "Сломалось.", "С уважением,\nИван\n+7 900"),
        ] {
            assert_eq!(pieces(text), (own.to_owned(), None, Some(signature.to_owned())));
        }
        let answer = "Yes.\n\nOn Mon, 5 May 2025, I <i@x.ru> wrote:\n> old\n\n-- \nIvan";
        let (own, quoted, signature) = pieces(answer);
        assert_eq!(own, "Yes.");
        assert!(quoted.unwrap().ends_with("> old"));
        assert_eq!(signature.unwrap(), "-- \nIvan");
    }

    #[test]
    fn what_only_looks_like_a_signature_stays() {
        for text in [
            "-- \nIvan",
            "Sent from my desk, it is easier than from my phone.",
            "a\n--\nb is an option\n".repeat(12).trim_end(),
            "С уважением отнеситесь к моей просьбе.\nВерните деньги.",
            "Regards,\nWill you return the money?",
        ] {
            assert_eq!(pieces(text), (text.to_owned(), None, None));
        }
    }
}
