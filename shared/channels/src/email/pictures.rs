//! Images that a mail carries within itself, in their places in its HTML.

use std::cell::Cell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::html::{Images, sanitise};
use super::mime::{self, LeftOut};
use super::{body, read};

/// The largest image that is shown in its place, in bytes; larger ones are files of the mail only.
const IMAGE_LIMIT: usize = 2 * 1024 * 1024;
/// The longest HTML that images are put into, in bytes with them. A function on AWS answers with 6 MB at most.
const SHOWN_LIMIT: usize = 5 * 1024 * 1024;

/// The HTML of a mail, safe to show, with the images that its parts hold as `data:` addresses.
pub(super) fn formatted(original: &[u8], remote: bool) -> Option<String> {
    let mail = read(original);
    let html = mail.html?;
    let room = Cell::new(SHOWN_LIMIT.saturating_sub(html.len()));
    let root = mime::parse(original, &mut LeftOut::default());
    let files = body::sort(&root).files;
    let inline = |id: &str| {
        let part = mail.attachments.iter().find(|part| part.content_id.as_deref() == Some(id))?;
        let address_length = part.size.checked_mul(4)? / 3 + "data:image/jpeg;base64,".len() + 4;
        if part.size > IMAGE_LIMIT || address_length > room.get() {
            return None;
        }
        let image = files.get(part.index)?.decoded(IMAGE_LIMIT);
        let address = format!("data:{};base64,{}", media_type(&image)?, STANDARD.encode(&image));
        room.set(room.get().checked_sub(address.len())?);
        Some(address)
    };
    Some(sanitise(&html, &Images { remote, inline: &inline }).html)
}

/// What kind of image this is, by its own first bytes: declarations are often wrong, and what is XML may hold scripts.
fn media_type(image: &[u8]) -> Option<&'static str> {
    match image {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some("image/bmp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n rest";

    fn mail(html: &str, images: &[(&str, &str, &[u8])]) -> Vec<u8> {
        let mut mail = format!(
            "From: ann@example.org\r\nContent-Type: multipart/related; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/html\r\n\r\n{html}\r\n"
        );
        for (id, kind, bytes) in images {
            let bytes = STANDARD.encode(bytes);
            let header =
                format!("Content-Type: {kind}\r\nContent-ID: <{id}>\r\nContent-Transfer-Encoding: base64");
            mail.push_str(&format!("--b\r\n{header}\r\nContent-Disposition: inline\r\n\r\n{bytes}\r\n"));
        }
        mail.push_str("--b--\r\n");
        mail.into_bytes()
    }

    fn large(size: usize) -> Vec<u8> {
        let mut image = PNG.to_vec();
        image.resize(size, b' ');
        image
    }

    #[test]
    fn an_image_stands_in_its_place() {
        let html = "<p>See <img alt=\"lamp\" src=\"cid:lamp%40x\">.</p><img src=\"https://x/a.png\">";
        let shown = formatted(&mail(html, &[("lamp@x", "application/octet-stream", PNG)]), false).unwrap();
        let address = format!("src=\"data:image/png;base64,{}\"", STANDARD.encode(PNG));
        assert!(shown.contains(&address), "{shown}");
        assert_eq!(shown.matches(" src=").count(), 1, "{shown}");
    }

    #[test]
    fn what_is_no_image_keeps_its_words() {
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
        let script = b"<script>alert(1)</script>";
        for (kind, bytes) in
            [("image/svg+xml", &svg[..]), ("image/png", svg), ("image/png", script), ("text/html", script)]
        {
            let shown =
                formatted(&mail("<img alt=\"lamp\" src=\"cid:a\">", &[("a", kind, bytes)]), true).unwrap();
            assert!(shown.contains("alt=\"lamp\"") && !shown.contains("data:"), "{shown}");
        }
        let shown =
            formatted(&mail("<img alt=\"lamp\" src=\"cid:other\">", &[("a", "image/png", PNG)]), true);
        assert!(!shown.unwrap().contains("data:"));
        // An address of this kind in the mail itself is none of ours.
        let shown = formatted(&mail("<img src=\"data:image/png;base64,iVBORw0KGgo=\">", &[]), true);
        assert!(!shown.unwrap().contains("data:"));
    }

    #[test]
    fn what_is_shown_has_an_end() {
        let (fits, huge) = (large(1024 * 1024), large(IMAGE_LIMIT + 1));
        let images = [("fits", "image/png", fits.as_slice()), ("huge", "image/png", huge.as_slice())];
        let html = format!("<img src=\"cid:huge\">{}", "<img src=\"cid:fits\">".repeat(100));
        let shown = formatted(&mail(&html, &images), false).unwrap();
        assert_eq!(shown.matches("data:image/png").count(), 3);
        assert_eq!(shown.matches("<img").count(), 101);
        assert!(shown.len() <= SHOWN_LIMIT);
    }

    #[test]
    fn images_are_known_by_their_first_bytes() {
        let kinds: [(&[u8], _); 8] = [
            (PNG, Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\0\0\0\0WEBP", Some("image/webp")),
            (b"BM\x10\0\0\0\0\0\0\0", Some("image/bmp")),
            (b"BM is a car", None),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"", None),
        ];
        for (bytes, kind) in kinds {
            assert_eq!(media_type(bytes), kind);
        }
    }
}
