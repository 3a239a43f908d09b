//! Mails that are too many, or not ours, to be kept here: `LAMBDESK_TEST_MAILS` names a folder of them.

use std::path::{Path, PathBuf};

use channels::email::read;

/// Reads every `.eml` file in the folder and below; where a folder's name tells what its mails are, checks it.
#[test]
fn every_mail_of_the_folder_is_read() {
    let Some(folder) = std::env::var_os("LAMBDESK_TEST_MAILS") else { return };
    let mut count = 0;
    for path in mails(Path::new(&folder)) {
        let bytes = std::fs::read(&path).unwrap();
        let mail = read(&bytes);
        let kind = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let reported = mail.bounce.is_some() || mail.complaint.is_some();
        if kind.ends_with("bounce") {
            assert!(reported, "{}", path.display());
        } else if kind.ends_with("autoreply") {
            assert!(mail.automatic.is_some() && !reported, "{}", path.display());
        } else if kind.ends_with("cyrillic") {
            assert!(!mail.text.contains(['Ð', '\u{fffd}']) && !reported, "{}", path.display());
        }
        count += 1;
    }
    assert!(count > 0, "no mails in {}", folder.display());
}

fn mails(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(mails(&path));
        } else if path.extension().is_some_and(|ending| ending == "eml") {
            found.push(path);
        }
    }
    found.sort();
    found
}
