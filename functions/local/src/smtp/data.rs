//! The bytes between DATA and the dot: [RFC 5321, 4.1.1.4 and 4.5.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.2).
//!
//! A mail ends with CR LF dot CR LF and with nothing that looks like it. A line feed of its own is refused: where one
//! server takes it for the end of a line and the next one does not, a sender can hide a second mail inside the first.

use memchr::memchr2;

/// Undoes what a sender does to lines that begin with a dot, over any number of pieces.
#[derive(Debug, Default)]
pub(super) struct Unstuffing {
    place: Place,
}

/// Where in a line the last byte stood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Nothing of the line was seen.
    #[default]
    Start,
    /// A dot at the line's beginning, not yet passed on.
    Dot,
    /// A carriage return after that.
    DotReturn,
    /// Somewhere within.
    Within,
    /// A carriage return within, passed on.
    Return,
}

/// What a piece brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// All of it belongs to the mail, which goes on.
    Mail,
    /// The mail ended after this many bytes of it.
    End(usize),
    /// There is a line feed without a carriage return.
    BareLineFeed,
}

impl Unstuffing {
    /// Takes the next bytes, and adds what belongs to the mail.
    pub(super) fn take(&mut self, bytes: &[u8], mail: &mut Vec<u8>) -> Piece {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            self.place = match (self.place, byte) {
                (Place::DotReturn, b'\n') => {
                    self.place = Place::Start;
                    return Piece::End(bytes.len() - after.len());
                }
                (Place::Return, b'\n') => {
                    mail.push(byte);
                    Place::Start
                }
                (_, b'\n') => return Piece::BareLineFeed,
                (Place::Start, b'.') => Place::Dot,
                (Place::Dot, b'\r') => Place::DotReturn,
                (place, b'\r') => {
                    if place == Place::DotReturn {
                        mail.push(b'\r');
                    }
                    mail.push(byte);
                    Place::Return
                }
                (place, _) => {
                    if place == Place::DotReturn {
                        mail.push(b'\r');
                    }
                    let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    let (line, after) = rest.split_at(end);
                    mail.extend_from_slice(line);
                    self.place = Place::Within;
                    rest = after;
                    continue;
                }
            };
            rest = after;
        }
        Piece::Mail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a reader that sees all bytes at once makes of them.
    fn whole(bytes: &[u8]) -> (Piece, Vec<u8>) {
        let mut mail = Vec::new();
        (Unstuffing::default().take(bytes, &mut mail), mail)
    }

    #[test]
    fn only_the_true_end_ends_a_mail() {
        let table: [(&[u8], Piece, &[u8]); 14] = [
            (b".\r\n", Piece::End(3), b""),
            (b"\r\n.\r\nQUIT\r\n", Piece::End(5), b"\r\n"),
            (b"hi\r\n.\r\n", Piece::End(7), b"hi\r\n"),
            (b"hi\r\n..\r\n.\r\n", Piece::End(11), b"hi\r\n.\r\n"),
            (b"..a\r\n.b\r\n.\r\n", Piece::End(12), b".a\r\nb\r\n"),
            (b"hi.\r\n", Piece::Mail, b"hi.\r\n"),
            (b"hi\r\n.", Piece::Mail, b"hi\r\n"),
            (b"hi\r\n.\r", Piece::Mail, b"hi\r\n"),
            (b"hi\r\n.\r\r\n", Piece::Mail, b"hi\r\n\r\r\n"),
            (b"hi\r\n.\rx", Piece::Mail, b"hi\r\n\rx"),
            (b"a\rb\r\r\n", Piece::Mail, b"a\rb\r\r\n"),
            (b"hi\n.\r\n", Piece::BareLineFeed, b"hi"),
            (b"hi\r\n.\n", Piece::BareLineFeed, b"hi\r\n"),
            (b"\n", Piece::BareLineFeed, b""),
        ];
        for (bytes, piece, mail) in table {
            assert_eq!(whole(bytes), (piece, mail.to_vec()), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(bytes in "[.\r\nx]{0,40}", cuts in prop::collection::vec(0..40_usize, 0..6)) {
            let bytes = bytes.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let (mut reader, mut mail, mut start, mut outcome) = (Unstuffing::default(), Vec::new(), 0, Piece::Mail);
            for cut in cuts {
                outcome = reader.take(&bytes[start..cut], &mut mail);
                if let Piece::End(taken) = outcome {
                    outcome = Piece::End(start + taken);
                }
                if outcome != Piece::Mail {
                    break;
                }
                start = cut;
            }
            prop_assert_eq!((outcome, mail), whole(bytes));
        }

        #[test]
        fn a_mail_arrives_as_it_was(lines in prop::collection::vec("[.x\r]{0,5}", 0..10)) {
            // A carriage return at a line's end would be part of its end.
            let lines: Vec<&str> = lines.iter().map(|line| line.trim_end_matches('\r')).collect();
            let sent: String = lines.iter().map(|line| match line.strip_prefix('.') {
                Some(_) => format!(".{line}\r\n"),
                None => format!("{line}\r\n"),
            }).collect();
            let (outcome, mail) = whole(format!("{sent}.\r\nQUIT\r\n").as_bytes());
            prop_assert_eq!(outcome, Piece::End(sent.len() + 3));
            prop_assert_eq!(mail, lines.iter().map(|line| format!("{line}\r\n")).collect::<String>().into_bytes());
        }
    }
}
