//! Damaged input for the tests of parsers: samples of a corpus, changed the way that faults and strangers change them.
//!
//! Everything is a strategy of proptest, so that a failing input shrinks to few changes. How many inputs a property
//! gets is for the caller to say (`PROPTEST_CASES`); `tests/fuzz` does.

#![expect(
    clippy::panic,
    reason = "support of tests: a corpus that is missing fails the test, with its reason"
)]

mod change;

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::change::Change;

/// The most changes of one sample.
const MOST_CHANGES: usize = 12;
/// The most bytes of an input that no sample was the origin of.
const MOST_BYTES: usize = 400;

/// Properties without a file of failures beside them: what fails becomes a test of its own.
pub fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// All files of a folder, in the order of their names. Never empty.
pub fn corpus(folder: impl AsRef<Path>) -> Vec<Vec<u8>> {
    let folder = folder.as_ref();
    let fault = |error: std::io::Error| -> ! { panic!("{}: {error}", folder.display()) };
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| fault(error));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap_or_else(|error| fault(error)).path()).collect();
    paths.sort();
    let visible =
        |path: &Path| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."));
    let files = paths.iter().filter(|path| path.is_file() && visible(path));
    let samples: Vec<_> =
        files.map(|path| std::fs::read(path).unwrap_or_else(|error| fault(error))).collect();
    assert!(!samples.is_empty(), "{}: no samples", folder.display());
    samples
}

/// A sample with up to twelve changes, none included; now and then bytes that are nothing at all.
pub fn damaged(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        15 => changed(corpus),
        1 => prop::collection::vec(any::<u8>(), 0..MOST_BYTES),
    ]
}

/// [`damaged`], as text: bytes that are none are replaced.
pub fn damaged_text(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = String> {
    damaged(corpus).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn changed(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec(Change::any(), 0..=MOST_CHANGES);
    (any::<Index>(), any::<Index>(), changes).prop_map(move |(sample, other, changes)| {
        let (sample, other) = (sample.get(&corpus), other.get(&corpus));
        changes.iter().fold(sample.clone(), |bytes, change| change.of(bytes, other))
    })
}
