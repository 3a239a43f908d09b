//! Mails as a help desk gets them: 40 % plain text, 20 % Cyrillic in base64 with an encoded subject, 20 % with an HTML
//! alternative, 15 % with a file of 2 to 60 KB, 5 % texts of 60 KB. Authors, ids and texts are all different.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chance::Chance;

const ENGLISH: &[&str] = &[
    "parcel",
    "order",
    "the",
    "arrived",
    "yesterday",
    "broken",
    "please",
    "tell",
    "me",
    "when",
    "it",
    "was",
    "sent",
    "and",
    "who",
    "pays",
    "for",
    "return",
    "of",
    "blue",
    "lamp",
    "number",
    "thanks",
    "refund",
    "we",
    "wait",
    "since",
];
const RUSSIAN: &[&str] = &[
    "заказ",
    "посылка",
    "пришла",
    "вчера",
    "разбитой",
    "пожалуйста",
    "скажите",
    "когда",
    "вернёте",
    "деньги",
    "за",
    "лампу",
    "спасибо",
    "и",
    "не",
    "работает",
    "доставка",
    "адрес",
    "номер",
    "жду",
];
/// How many domains the authors have.
const DOMAINS: usize = 200;

/// A mail and who sends it.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The author's address, also of the envelope.
    pub from: String,
    /// All of it, with lines as SMTP wants them.
    pub bytes: Vec<u8>,
}

/// So many mails of as many authors, each the first one of its own matter.
pub fn first_ones(count: usize, to: &str) -> Vec<Mail> {
    (0..count).map(|number| mail(number, to, false)).collect()
}

/// An answer to each of them by its author: what the program of a customer writes who adds something.
pub fn follow_ups(count: usize, to: &str) -> Vec<Mail> {
    (0..count).map(|number| mail(number, to, true)).collect()
}

fn mail(number: usize, to: &str, follows: bool) -> Mail {
    let mut chance = Chance::new(if follows { 1 << 40 } else { 0 } + number as u64);
    let domain = format!("customers{}.example", number % DOMAINS);
    let from = format!("author{number}@{domain}");
    let subject = words(&mut Chance::new(number as u64), ENGLISH, 30).replace("\r\n", " ");
    // Which kind a mail is does not depend on its place among its neighbours.
    let kind = (number * 37 + usize::from(follows) * 11) % 100;
    let cyrillic = (40..60).contains(&kind);
    let answers = if follows { "Re: " } else { "" };
    let subject = if cyrillic {
        format!("=?utf-8?B?{}?=", BASE64.encode(format!("{answers}{} {subject}", "Вопрос")))
    } else {
        format!("{answers}{subject}")
    };
    let id = |follows: bool| format!("<{}.{number}@{domain}>", if follows { "second" } else { "first" });
    let mut head = format!(
        "Message-ID: {}\r\nDate: Mon, 23 Nov 2026 09:{:02}:{:02} +0000\r\nFrom: Author {number} <{from}>\r\n\
         To: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n",
        id(follows),
        number / 60 % 60,
        number % 60,
    );
    if follows {
        head.push_str(&format!("In-Reply-To: {0}\r\nReferences: {0}\r\n", id(false)));
    }
    let body = body(kind, &mut chance, number);
    Mail { from, bytes: [head, body].concat().into_bytes() }
}

/// A text of about so many bytes, of words from a list, in lines.
fn words(chance: &mut Chance, of: &[&str], bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 32);
    let mut line = 0;
    while text.len() < bytes {
        let word = chance.pick(of);
        if line + word.len() > 70 {
            text.push_str("\r\n");
            line = 0;
        } else if line > 0 {
            text.push(' ');
            line += 1;
        }
        text.push_str(word);
        line += word.len();
    }
    text
}

fn body(kind: usize, chance: &mut Chance, number: usize) -> String {
    const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\r\n";
    match kind {
        0..40 => {
            let length = 200 + chance.place(1800);
            format!("{PLAIN}\r\n{}\r\n", words(chance, ENGLISH, length))
        }
        40..60 => {
            let length = 400 + chance.place(3000);
            let text = base64_lines(words(chance, RUSSIAN, length).as_bytes());
            format!("{PLAIN}Content-Transfer-Encoding: base64\r\n\r\n{text}\r\n")
        }
        60..80 => {
            let length = 300 + chance.place(2000);
            let text = words(chance, ENGLISH, length);
            let html = text.replace("\r\n", "<br>\r\n");
            parts(
                "alternative",
                number,
                &[
                    format!("{PLAIN}\r\n{text}\r\n"),
                    format!(
                        "Content-Type: text/html; charset=utf-8\r\n\r\n<html><head><style>p {{ color: #333 }}</style></head>\
                     <body><p>{html}</p><table><tr><td><b>Order</b></td><td>{number}</td></tr></table></body></html>\r\n"
                    ),
                ],
            )
        }
        80..95 => {
            let length = 200 + chance.place(800);
            let text = words(chance, ENGLISH, length);
            let size = 2048 + chance.place(58 * 1024);
            let mut file = vec![0; size];
            chance.fill(&mut file);
            let file = base64_lines(&file);
            parts(
                "mixed",
                number,
                &[
                    format!("{PLAIN}\r\n{text}\r\n"),
                    format!(
                        "Content-Type: application/pdf; name=\"bill-{number}.pdf\"\r\n\
                     Content-Disposition: attachment; filename=\"bill-{number}.pdf\"\r\n\
                     Content-Transfer-Encoding: base64\r\n\r\n{file}\r\n"
                    ),
                ],
            )
        }
        _ => format!("{PLAIN}\r\n{}\r\n", words(chance, ENGLISH, 60 * 1024)),
    }
}

fn parts(kind: &str, number: usize, parts: &[String]) -> String {
    let boundary = format!("=_part_{number}");
    let mut body = format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n");
    for part in parts {
        body.push_str(&format!("--{boundary}\r\n{part}"));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    body
}

fn base64_lines(bytes: &[u8]) -> String {
    let text = BASE64.encode(bytes);
    let lines: Vec<&str> =
        text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    lines.join("\r\n")
}
