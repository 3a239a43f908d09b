//! Invitations ([RFC 5545](https://www.rfc-editor.org/rfc/rfc5545)), in so far as a person reads them.

use super::words;

/// The properties that are shown, and what they are called.
const SHOWN: &[(&str, &str)] = &[
    ("SUMMARY", "Event"),
    ("DTSTART", "Starts"),
    ("DTEND", "Ends"),
    ("LOCATION", "Where"),
    ("ORGANIZER", "Organiser"),
    ("DESCRIPTION", "About"),
];

/// The longest value that is shown, in characters.
const LIMIT: usize = 2_000;

/// The first event of a calendar in words; `None` where there is none.
pub(super) fn summary(calendar: &str) -> Option<String> {
    let unfolded = calendar.replace("\n ", "").replace("\n\t", "");
    let event = unfolded.lines().skip_while(|line| !line.trim().eq_ignore_ascii_case("BEGIN:VEVENT")).skip(1);
    let mut shown: Vec<(usize, String)> = Vec::new();
    for line in event.take_while(|line| !line.trim().eq_ignore_ascii_case("END:VEVENT")) {
        let Some((property, value)) = line.split_once(':') else { continue };
        let name = property.split(';').next().unwrap_or_default();
        let known = SHOWN.iter().enumerate().find(|(_, (shown, _))| name.eq_ignore_ascii_case(shown));
        let Some((position, (_, title))) = known else { continue };
        let value = value.replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";");
        let value = words::bounded(value.trim().to_owned(), LIMIT);
        if !value.is_empty() && shown.iter().all(|(seen, _)| *seen != position) {
            shown.push((position, format!("{title}: {value}")));
        }
    }
    shown.sort();
    let lines: Vec<String> = shown.into_iter().map(|(_, line)| line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_told_in_words() {
        let calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Europe/Moscow:20250505T100000\n\
            SUMMARY:A long\n  name\\, really\nEND:VEVENT\nEND:VCALENDAR\n";
        assert_eq!(summary(calendar).unwrap(), "Event: A long name, really\nStarts: 20250505T100000");
        assert_eq!(summary("BEGIN:VCALENDAR\nSUMMARY:x\n"), None);
    }
}
