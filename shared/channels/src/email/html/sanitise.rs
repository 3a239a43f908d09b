//! HTML that is safe to show.

use std::borrow::Cow;
use std::collections::HashSet;

use ammonia::{Builder, UrlRelative};
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{CharacterTokens, EndTag, StartTag, Tag, TagToken, TokenSinkResult};

use super::text::text;
use super::{escaped, tokens};

/// The most nodes that the tree of a mail may have. One takes some 300 bytes.
const NODES_LIMIT: usize = 200_000;

/// Stands for `src` of an image that is not to be loaded. The scheme is no scheme that a mail can use.
const BLOCKED: &str = "blocked-image:";

/// Elements whose open ones are opened anew in every paragraph that follows: the parser's "formatting elements".
const FORMATTING: &[&str] =
    &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Attributes that can be of use; the sanitiser decides on which element.
const ATTRIBUTES: &[&str] = &[
    "href",
    "src",
    "alt",
    "title",
    "style",
    "dir",
    "lang",
    "align",
    "valign",
    "bgcolor",
    "color",
    "face",
    "size",
    "width",
    "height",
    "border",
    "cellpadding",
    "cellspacing",
    "colspan",
    "rowspan",
    "start",
    "type",
];

/// Styles that cannot load anything and cannot leave the place of their element.
const STYLES: &[&str] = &[
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-right",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "line-height",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "vertical-align",
    "white-space",
];

/// What becomes of the images in a mail.
pub struct Images<'a> {
    /// Whether images on other servers are loaded, which tells their owner that and where the mail is read.
    pub remote: bool,
    /// Where the image with a Content-ID is to be had, if it is.
    pub inline: &'a dyn Fn(&str) -> Option<String>,
}

/// HTML that is safe to show, in a page whose policy forbids scripts anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sanitised {
    /// The HTML: a fragment without scripts, forms, frames and identifiers.
    pub html: String,
    /// How many images are kept back; their addresses stand in `data-src`.
    pub blocked: usize,
}

/// What may be shown of HTML. HTML that would take unreasonable memory as a tree is shown as its text.
pub fn sanitise(html: &str, images: &Images<'_>) -> Sanitised {
    let Some(plain) = plain(html) else {
        return Sanitised { html: format!("<pre>{}</pre>", escaped(&text(html))), blocked: 0 };
    };
    let remote = images.remote;
    let clean = Builder::default()
        .add_tags(["font", "u", "big", "tt"])
        .rm_tags(["article", "aside", "header", "footer", "nav", "map", "area"])
        .add_clean_content_tags(["title", "head", "template", "noscript", "svg", "math"])
        .add_generic_attributes(["style", "dir", "align", "valign", "bgcolor"])
        .add_tag_attributes("font", ["color", "face", "size"])
        .add_tag_attributes("table", ["border", "cellpadding", "cellspacing", "width"])
        .add_tag_attributes("td", ["width", "height"])
        .add_tag_attributes("th", ["width", "height"])
        .rm_tag_attributes("img", ["srcset"])
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .filter_style_properties(STYLES.iter().copied().collect())
        .attribute_filter(move |element, attribute, value| filter(element, attribute, value, remote))
        .clean(&plain)
        .to_string();
    place(&clean, images)
}

fn filter<'v>(element: &str, attribute: &str, value: &'v str, remote: bool) -> Option<Cow<'v, str>> {
    let scheme = |names: &[&str]| {
        let (scheme, _) = value.trim_start().split_once(':').unwrap_or_default();
        names.iter().any(|name| scheme.eq_ignore_ascii_case(name))
    };
    match (element, attribute) {
        ("img", "src") if scheme(&["cid"]) => Some(value.into()),
        ("img", "src") if scheme(&["http", "https"]) && remote && is_public(value) => Some(value.into()),
        ("img", "src") if scheme(&["http", "https"]) => Some(format!("{BLOCKED}{value}").into()),
        ("a", "href") if scheme(&["http", "https", "mailto", "tel"]) => Some(value.into()),
        (_, "src" | "href" | "cite" | "background") => None,
        _ => Some(value.into()),
    }
}

/// Whether an address is that of a server on the internet, as far as its name tells: what is near the reader is none of
/// a mail's business.
fn is_public(address: &str) -> bool {
    let url = url::Url::parse(address.trim());
    url.is_ok_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.contains('.') && ![".localhost", ".local", ".internal"].iter().any(|end| name.ends_with(end))
        }
        _ => false,
    })
}

/// Puts the images of the mail itself in their places, and those kept back aside. Works on what the serialiser
/// wrote, where a quote within a value cannot occur.
fn place(clean: &str, images: &Images<'_>) -> Sanitised {
    const SRC: &str = " src=\"";
    let mut placed = Sanitised { html: String::with_capacity(clean.len()), blocked: 0 };
    let mut rest = clean;
    let mut in_tag = false;
    while let Some((before, after)) = rest.split_once(SRC) {
        placed.html.push_str(before);
        let (value, tail) = after.split_once('"').unwrap_or((after, ""));
        // Another value of the same tag may have ended like the name of an address.
        if before.contains(['<', '>']) {
            in_tag = before.rfind('<') > before.rfind('>');
        }
        if let Some(address) = value.strip_prefix(BLOCKED).filter(|_| in_tag) {
            placed.blocked += 1;
            placed.html.push_str(" data-src=\"");
            placed.html.push_str(address);
            placed.html.push('"');
            rest = tail;
        } else if let Some(id) = value.get(..4).filter(|_| in_tag).filter(|s| s.eq_ignore_ascii_case("cid:"))
        {
            let id = value.get(id.len()..).unwrap_or_default().replace("&amp;", "&");
            let id = percent_decoded(&id);
            if let Some(address) = (images.inline)(id.trim_matches(['<', '>'])) {
                placed.html.push_str(SRC);
                placed.html.push_str(&escaped(&address));
                placed.html.push('"');
            }
            rest = tail;
        } else {
            placed.html.push_str(SRC);
            rest = after;
        }
    }
    placed.html.push_str(rest);
    placed
}

fn percent_decoded(text: &str) -> String {
    let pair = format!("id={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, id)| id.into_owned()).next().unwrap_or_default()
}

/// The HTML with nothing but tags and text in it, and with the attributes that can be of use: what the sanitiser's
/// parser can be trusted with. `None` where its tree would have too many nodes.
fn plain(html: &str) -> Option<String> {
    let mut writer = Writer::default();
    tokens::each(html, |token| {
        match token {
            TagToken(tag) => return writer.tag(&tag),
            CharacterTokens(text) => writer.text(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    });
    (writer.nodes <= NODES_LIMIT).then_some(writer.html)
}

/// Counts the nodes as it writes. Every formatting element that is open at an element may be opened once more for
/// it, so that their number can grow with the square of the length.
#[derive(Default)]
struct Writer {
    html: String,
    nodes: usize,
    /// The open elements, as if every end tag closed only what was opened last: never fewer than there are.
    open: Vec<String>,
    formatting: usize,
    /// Whether text was written last: what follows it, such as an entity, is of the same node.
    in_text: bool,
    /// The element whose raw text is left out.
    raw: Option<String>,
}

impl Writer {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name = tag.name.as_ref();
        if self.raw.take().is_some_and(|raw| raw == name && tag.kind == EndTag) || self.nodes > NODES_LIMIT {
            return TokenSinkResult::Continue;
        }
        let raw = match name {
            "script" => Some(RawKind::ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(RawKind::Rawtext),
            "title" | "textarea" => Some(RawKind::Rcdata),
            _ => None,
        };
        if let Some(kind) = raw.filter(|_| tag.kind == StartTag) {
            self.raw = Some(name.to_owned());
            return TokenSinkResult::RawData(kind);
        }
        // A name of anything else is an element of no mail.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) || name == "plaintext" {
            return TokenSinkResult::Continue;
        }
        self.in_text = false;
        let formatting = FORMATTING.contains(&name);
        if tag.kind == StartTag {
            self.nodes = self.nodes.saturating_add(1 + self.formatting);
            self.formatting += usize::from(formatting);
            if !matches!(name, "br" | "img" | "hr" | "meta" | "link" | "input") {
                self.open.push(name.to_owned());
            }
            self.html.push_str(&format!("<{name}"));
            for attribute in tag.attrs.iter().filter(|attribute| ATTRIBUTES.contains(&&*attribute.name.local))
            {
                self.html.push_str(&format!(" {}=\"{}\"", &*attribute.name.local, escaped(&attribute.value)));
            }
            self.html.push('>');
        } else {
            if self.open.last().is_some_and(|open| open == name) {
                self.open.pop();
                self.formatting = self.formatting.saturating_sub(usize::from(formatting));
            }
            self.html.push_str(&format!("</{name}>"));
        }
        TokenSinkResult::Continue
    }

    fn text(&mut self, text: &str) {
        if self.raw.is_none() && self.nodes <= NODES_LIMIT {
            if !std::mem::replace(&mut self.in_text, true) {
                self.nodes = self.nodes.saturating_add(1 + self.formatting);
            }
            self.html.push_str(&escaped(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked(html: &str) -> Sanitised {
        sanitise(html, &Images { remote: false, inline: &|id| Some(format!("/files/{id}?a=1&b")) })
    }

    #[test]
    fn nothing_runs() {
        for bad in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<a href='javascript:alert(1)'>x</a>",
            "<a href=' java\nscript:alert(1)'>x</a>",
            "<svg><script>alert(1)</script></svg>",
            "<iframe src=https://x></iframe><form action=https://x><input></form>",
            "<div style='background:url(https://x)' id=a class=b>x</div>",
            "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
            "<base href=https://x><meta http-equiv=refresh content=0><link rel=stylesheet href=https://x>",
            "<style>*{background:url(https://x)}</style>",
        ] {
            let html = blocked(bad).html.to_ascii_lowercase();
            for word in
                ["script", "onerror", "url(", "<iframe", "<form", "<input", "<svg", "id=", "class=", "<base"]
            {
                assert!(!html.contains(word), "{bad}: {html}");
            }
        }
    }

    #[test]
    fn links_open_apart() {
        assert_eq!(
            blocked("<a href='https://x.ru' onclick=x>a</a>").html,
            "<a href=\"https://x.ru\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">a</a>"
        );
        assert_eq!(blocked("<a href='cid:1'>a</a>").html.matches("href").count(), 0);
    }

    #[test]
    fn images_are_kept_back_or_placed() {
        let found = blocked("<img src='https://x/a.png?b&c'><img src=\"cid:logo%40x\">");
        assert_eq!(
            found,
            Sanitised {
                html: "<img data-src=\"https://x/a.png?b&amp;c\"><img src=\"/files/logo@x?a=1&amp;b\">"
                    .to_owned(),
                blocked: 1
            }
        );
        let shown =
            sanitise("<img src='https://x.example/a.png'>", &Images { remote: true, inline: &|_| None });
        assert_eq!(shown, Sanitised { html: "<img src=\"https://x.example/a.png\">".to_owned(), blocked: 0 });
        for near in [
            "http://127.0.0.1/a",
            "http://localhost:8080/a",
            "http://[::1]/a",
            "http://printer/a",
            "http://192.168.0.1/",
        ] {
            let near = format!("<img src='{near}'>");
            let shown = sanitise(&near, &Images { remote: true, inline: &|_| None });
            assert_eq!(shown.blocked, 1, "{}", shown.html);
        }
        let ends_alike = blocked("<img title=' src=' src='https://x/a.png'>");
        let html = "<img title=\" src=\" data-src=\"https://x/a.png\">".to_owned();
        assert_eq!(ends_alike, Sanitised { html, blocked: 1 });
        let text = "a src=\"blocked-image:x\" b";
        assert_eq!(blocked(text), Sanitised { html: text.to_owned(), blocked: 0 });
    }

    #[test]
    fn styles_are_few() {
        let html = blocked("<p style='color:red;position:fixed;margin:-9px'>a</p>").html;
        assert!(html.contains("color") && !html.contains("position") && !html.contains("margin"), "{html}");
    }

    #[test]
    fn a_tree_that_would_explode_becomes_text() {
        let html = format!("{}{}x", "<b><i>".repeat(5_000), "<p>y".repeat(5_000));
        assert!(blocked(&html).html.starts_with("<pre>y"));
        let attributes: String = (0..200_000).map(|number| format!(" a{number}")).collect();
        assert_eq!(blocked(&format!("a<b{attributes}>b")).html, "ab");
        let usual = "<p><b>a</b> <font color=red>c</font></p>".repeat(5_000);
        assert!(!blocked(&usual).html.starts_with("<pre>"));
        let entities = format!("{}{}", "<b>".repeat(400), "&gt; ".repeat(1_000));
        assert!(!blocked(&entities).html.starts_with("<pre>"), "one text, however it is written");
    }
}
