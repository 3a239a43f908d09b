//! The words of a mail, plain and as HTML.

use std::fmt::Write as _;

use jiff::Timestamp;
use url::Url;

use super::{Letter, Link, headers};

/// What an HTML part looks like without a template of its own.
const PAGE: &str = "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body>{{text}}</body></html>";

/// Both forms of the words.
pub(super) struct Body {
    pub(super) plain: String,
    pub(super) html: String,
}

/// Puts the words into the connection's templates.
pub(super) fn render(letter: &Letter) -> Body {
    let text = clean(&letter.text);
    let (name, number) = (headers::line(&letter.name), letter.number.to_string());
    let with_links = format!("{}{}", text.trim_end(), plain_links(&letter.links));
    let plain = match &letter.templates.text {
        Some(template) => fill(&clean(template), &with_links, &name, &number, "\n\n"),
        None => with_links,
    };
    let html = match &letter.templates.html {
        Some(template) => {
            let words = format!("{}{}", paragraphs(text.trim_end()), html_links(&letter.links));
            fill(&clean(template), &words, &escape(&name), &number, "\n")
        }
        None => {
            let words = match &letter.templates.text {
                // The addresses of files stand in the plain text already, and are linked there.
                Some(_) => paragraphs(&plain),
                None => format!("{}{}", paragraphs(text.trim_end()), html_links(&letter.links)),
            };
            fill(PAGE, &words, "", "", "")
        }
    };
    Body { plain: ended(plain), html: ended(html) }
}

/// A template with its places filled, in one pass: what a customer or an agent wrote is never looked into for places.
fn fill(template: &str, text: &str, name: &str, number: &str, gap: &str) -> String {
    let mut filled = String::with_capacity(template.len() + text.len());
    if !template.contains("{{text}}") {
        filled.push_str(text);
        filled.push_str(gap);
    }
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let place = after.split_once("}}").and_then(|(place, after)| match place {
            "text" => Some((text, after)),
            "name" => Some((name, after)),
            "number" => Some((number, after)),
            _ => None,
        });
        rest = match place {
            Some((value, after)) => {
                filled.push_str(value);
                after
            }
            None => {
                filled.push_str("{{");
                after
            }
        };
    }
    filled.push_str(rest);
    filled
}

/// A text without control characters, its lines ended by line feeds alone.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

/// A text with the line endings of mail.
fn ended(text: String) -> String {
    let mut text = text.trim_end().replace('\n', "\r\n");
    text.push_str("\r\n");
    text
}

fn plain_links(links: &[Link]) -> String {
    links.iter().fold(String::new(), |mut text, link| {
        let _ = write!(
            text,
            "\n\n{} ({}, at most until {})\n{}",
            headers::line(&link.name),
            size(link.size),
            day(link.until),
            headers::line(&link.url)
        );
        text
    })
}

fn html_links(links: &[Link]) -> String {
    links.iter().fold(String::new(), |mut html, link| {
        let (name, url) = (escape(&headers::line(&link.name)), escape(&headers::line(&link.url)));
        let (size, day) = (size(link.size), day(link.until));
        let _ = write!(html, "<p><a href=\"{url}\">{name}</a> ({size}, at most until {day})</p>");
        html
    })
}

/// The day on which a link ends, in the form that reads the same everywhere.
fn day(until: Timestamp) -> String {
    until.strftime("%Y-%m-%d").to_string()
}

/// A size for people, in the units that file managers use.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(unit, name)| format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
    )
}

/// A text as HTML: empty lines part paragraphs, other line breaks stay, web addresses become links.
fn paragraphs(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    for paragraph in text.split("\n\n").map(|paragraph| paragraph.trim_matches('\n')) {
        if paragraph.trim().is_empty() {
            continue;
        }
        html.push_str("<p>");
        for (index, line) in paragraph.split('\n').enumerate() {
            if index > 0 {
                html.push_str("<br>\n");
            }
            link(line, &mut html);
        }
        html.push_str("</p>\n");
    }
    html
}

/// A line as HTML, with its web addresses as links.
fn link(line: &str, html: &mut String) {
    let mut rest = line;
    while let Some(start) = address_start(rest) {
        let (before, found) = rest.split_at(start);
        let end =
            found.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(found.len());
        let (whole, _) = found.split_at(end);
        let address = without_punctuation(whole);
        html.push_str(&escape(before));
        let shown = escape(address);
        if Url::parse(address).is_ok_and(|url| url.has_host()) {
            let _ = write!(html, "<a href=\"{shown}\">{shown}</a>");
        } else {
            html.push_str(&shown);
        }
        (_, rest) = found.split_at(address.len());
    }
    html.push_str(&escape(rest));
}

/// Where the next web address begins, at a word's beginning.
fn address_start(text: &str) -> Option<usize> {
    text.match_indices("http").map(|(at, _)| at).find(|at| {
        let (before, found) = text.split_at(*at);
        let begins = before.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        begins && (found.starts_with("https://") || found.starts_with("http://"))
    })
}

/// An address without the punctuation of the sentence around it. A closing bracket stays where one was opened.
fn without_punctuation(address: &str) -> &str {
    let surplus = |open, close| address.matches(close).count().saturating_sub(address.matches(open).count());
    let mut surplus = [surplus('(', ')'), surplus('[', ']')];
    address.trim_end_matches(|c: char| {
        let [round, square] = &mut surplus;
        let bracket = match c {
            ')' => round,
            ']' => square,
            c => return matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '»' | '”' | '…'),
        };
        let left = bracket.checked_sub(1);
        *bracket = left.unwrap_or_default();
        left.is_some()
    })
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
