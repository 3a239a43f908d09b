//! Names of attached files that are fit to be names of files.

use super::mime::Entity;
use super::words;

/// The longest name, in characters.
const LIMIT: usize = 200;

/// The longest ending that is kept when a name is shortened, with its dot.
const ENDING_LIMIT: usize = 12;

/// The name that a part gives itself, or one made up from its type; `position` counts the files from 1.
pub(super) fn name(part: &Entity<'_>, position: usize) -> String {
    let given = part.disposition.get("filename").or_else(|| part.kind.get("name"));
    match given.map(safe).filter(|name| !name.is_empty()) {
        Some(name) => name,
        None => made_up(part, position),
    }
}

/// Only the last element of a path, nothing that a shell, a file system or an eye could stumble over.
fn safe(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).find(|element| !element.trim().is_empty()).unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| !c.is_control() && !words::turns_direction(*c) && *c != '\u{feff}' && *c != '\u{200b}')
        .map(|c| if matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { c })
        .collect();
    let name = words::one_line(&kept);
    let name = name.trim_start_matches('.').trim_end_matches(['.', ' ']).trim();
    shortened(name)
}

/// The beginning and the ending of a long name.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= LIMIT {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|dot| name.get(dot..)).unwrap_or_default();
    let ending = if ending.chars().count() <= ENDING_LIMIT { ending } else { "" };
    let stem = words::bounded(name.to_owned(), LIMIT - ending.chars().count());
    format!("{stem}{ending}")
}

fn made_up(part: &Entity<'_>, position: usize) -> String {
    let ending = match part.kind.value.as_str() {
        "message/rfc822" | "message/global" => {
            let headers = super::header::Headers::read(part.body).0;
            let subject = headers.first("subject").map(|value| safe(&words::decode(value, None)));
            let stem =
                subject.filter(|subject| !subject.is_empty()).unwrap_or_else(|| format!("mail-{position}"));
            let stem = words::bounded(stem, LIMIT - ".eml".len());
            return format!("{stem}.eml");
        }
        "application/ms-tnef" | "application/vnd.ms-tnef" => return "winmail.dat".to_owned(),
        "message/delivery-status" => return "delivery-status.txt".to_owned(),
        "text/calendar" => "ics",
        "text/html" => "html",
        "text/vcard" | "text/x-vcard" => "vcf",
        "text/csv" => "csv",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "audio/mpeg" => "mp3",
        "video/mp4" => "mp4",
        kind if kind.starts_with("text/") || kind.starts_with("message/") => "txt",
        _ => "bin",
    };
    format!("file-{position}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for (given, expected) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\i\\счёт.pdf", "счёт.pdf"),
            ("a\u{202e}fdp.exe", "afdp.exe"),
            ("..", ""),
            (" .hidden. ", "hidden"),
            ("a:b?.txt", "a_b_.txt"),
            ("\u{0}\r\n", ""),
            ("dir/", "dir"),
        ] {
            assert_eq!(safe(given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = safe(&format!("{}.pdf", "я".repeat(5_000)));
        assert_eq!(name.chars().count(), LIMIT);
        assert!(name.ends_with("я.pdf"));
    }
}
