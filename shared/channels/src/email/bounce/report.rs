//! `message/delivery-status`: groups of fields, first about the mail, then one for each recipient.

use crate::email::header::Headers;
use crate::email::mail::BouncedRecipient;

use super::{RECIPIENTS_LIMIT, address_within, diagnostic};

/// The recipients of a report, or of a text with such fields in it.
pub(super) fn recipients(report: &[u8]) -> Vec<BouncedRecipient> {
    let mut found: Vec<BouncedRecipient> = Vec::new();
    let mut rest = report.trim_ascii_start();
    while !rest.is_empty() && found.len() < RECIPIENTS_LIMIT {
        let (fields, after) = Headers::read(rest);
        if let Some(recipient) = recipient(&fields)
            && !found.iter().any(|known| known.address == recipient.address)
        {
            found.push(recipient);
        }
        // A group that is none leaves everything for the body: then its first line is skipped.
        let after = if after.len() == rest.len() { crate::email::header::line(rest).1 } else { after };
        rest = after.trim_ascii_start();
    }
    found
}

fn recipient(fields: &Headers<'_>) -> Option<BouncedRecipient> {
    let address = ["final-recipient", "original-recipient", "x-actual-recipient"]
        .iter()
        .filter_map(|name| fields.first(name))
        .find_map(plain_address)?;
    let action = fields.plain("action").unwrap_or_default().to_ascii_lowercase();
    let action = action.split([' ', '(', ';']).next().unwrap_or_default();
    let said = fields.first("diagnostic-code").and_then(|value| diagnostic(untyped(value)));
    let status = fields.plain("status").as_deref().and_then(enhanced);
    let status = status.filter(|status| !status.ends_with(".0.0")).or_else(|| {
        // Many servers write `5.0.0` and know better in their own words.
        said.as_deref().and_then(enhanced).or_else(|| fields.plain("status").as_deref().and_then(enhanced))
    });
    // `expired` is not in the standard, and final.
    let (action, gave_up) = match action {
        "delayed" | "delivered" | "relayed" | "expanded" => (action, false),
        _ => ("failed", true),
    };
    let transient = status.as_deref().map(|status| status.starts_with('4'));
    let permanent = gave_up && !transient.or_else(|| said.as_deref().map(is_transient)).unwrap_or(false);
    Some(BouncedRecipient { address, action: action.to_owned(), status, diagnostic: said, permanent })
}

/// `rfc822; a@b` without its type.
pub(super) fn plain_address(value: &[u8]) -> Option<String> {
    address_within(&String::from_utf8_lossy(untyped(value)))
}

fn untyped(value: &[u8]) -> &[u8] {
    match value.iter().position(|byte| *byte == b';') {
        Some(end) if end <= 20 && !value.get(..end).unwrap_or_default().contains(&b'@') => {
            value.get(end + 1..).unwrap_or_default()
        }
        _ => value,
    }
}

/// The first enhanced status code in a text.
pub(super) fn enhanced(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.')).find_map(
        |word| {
            let mut numbers = word.split('.');
            let class = numbers.next()?;
            let (subject, detail) = (numbers.next()?, numbers.next()?);
            let fits = |number: &str| (1..=3).contains(&number.len());
            let good =
                matches!(class, "2" | "4" | "5") && fits(subject) && fits(detail) && numbers.next().is_none();
            good.then(|| word.to_owned())
        },
    )
}

/// Whether a server's words begin with a reply code of a passing failure.
pub(super) fn is_transient(said: &str) -> bool {
    let code = |word: &str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    let first = said.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| code(word));
    first.is_some_and(|code| code.starts_with('4'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_group_for_each_recipient() {
        let found = recipients(
            b"Reporting-MTA: dns; mx.x.ru\r\n\r\nFinal-Recipient: rfc822; a@x.ru\r\nAction: failed\r\n\
            Status: 5.0.0\r\nDiagnostic-Code: smtp; 550 5.1.1 no such\r\n user\r\n\r\n\
            Original-Recipient: rfc822;b@x.ru\r\nAction: delayed\r\nStatus: 4.4.1 (later)\r\n",
        );
        let expected = [
            BouncedRecipient {
                address: "a@x.ru".to_owned(),
                action: "failed".to_owned(),
                status: Some("5.1.1".to_owned()),
                diagnostic: Some("550 5.1.1 no such user".to_owned()),
                permanent: true,
            },
            BouncedRecipient {
                address: "b@x.ru".to_owned(),
                action: "delayed".to_owned(),
                status: Some("4.4.1".to_owned()),
                diagnostic: None,
                permanent: false,
            },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn finds_status_codes_and_no_addresses_of_hosts() {
        assert_eq!(enhanced("(#5.5.0)").unwrap(), "5.5.0");
        assert_eq!(enhanced("host mx[5.1.1.7] said: 550 5.1.2").unwrap(), "5.1.2");
        assert_eq!(enhanced("version 3.1.1"), None);
    }
}
