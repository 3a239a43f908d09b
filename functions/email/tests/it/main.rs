//! What SES tells, whatever happens to it on its way; and whole exchanges of mails.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod loops;
mod post;

use std::path::Path;

use email::ses::{Told, read};
use mutations::{config, corpus, damaged_text};
use proptest::prelude::*;

fn samples() -> Vec<Vec<u8>> {
    corpus(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"))
}

#[test]
fn every_sample_is_told() {
    let told = samples().into_iter().map(|sample| read(std::str::from_utf8(&sample).unwrap()).unwrap());
    let (mut received, mut undelivered, mut other) = (0, 0, 0);
    for told in told {
        match told {
            Told::Received(_) => received += 1,
            Told::Undelivered(_) => undelivered += 1,
            Told::Other(_) => other += 1,
        }
    }
    assert_eq!((received, undelivered, other), (2, 4, 2));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_message_of_ses_is_told_or_refused(message in damaged_text(samples())) {
        match read(&message) {
            Ok(Told::Undelivered(report)) => {
                prop_assert!(report.addresses.iter().all(|address| !address.is_empty()));
                prop_assert!(report.message_id.is_none_or(|id| !id.is_empty() && id.trim() == id));
                prop_assert!(!report.detail.is_empty());
            }
            Ok(Told::Received(received)) => prop_assert!(received.arrival.stamped),
            Ok(Told::Other(_)) => {}
            // Only what is no JSON of this form is refused.
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
