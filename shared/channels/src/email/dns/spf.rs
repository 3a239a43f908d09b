//! SPF policies as text: [RFC 7208](https://www.rfc-editor.org/rfc/rfc7208#section-4.5).

const VERSION: &str = "v=spf1";

/// Whether a text is a policy.
pub(super) fn is_policy(text: &str) -> bool {
    text.split_ascii_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(VERSION))
}

/// A policy for a domain that has none.
pub(super) fn new_policy(mechanism: Option<&str>) -> String {
    joined(mechanism.unwrap_or("mx").split_ascii_whitespace(), "~all")
}

/// Whether anybody may send.
pub(super) fn allows_everybody(policy: &str) -> bool {
    terms(policy).any(|term| term.eq_ignore_ascii_case("+all") || term.eq_ignore_ascii_case("all"))
}

/// Whether a policy names a mechanism so that its servers pass.
pub(super) fn names(policy: &str, mechanism: &str) -> bool {
    terms(policy).any(|term| term.trim_start_matches('+').eq_ignore_ascii_case(mechanism))
}

/// One policy instead of all of these, naming a mechanism as well: every mechanism once, and the first end that does
/// not allow everybody.
pub(super) fn merged(policies: &[&str], mechanism: Option<&str>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut end = None;
    for term in policies.iter().flat_map(|policy| terms(policy)) {
        let lower = term.to_ascii_lowercase();
        match lower.as_str() {
            "-all" | "~all" | "?all" => end = end.or(Some(term)),
            "all" | "+all" => {}
            _ if lower.starts_with("redirect=") => end = end.or(Some(term)),
            _ if kept.iter().any(|known| known.eq_ignore_ascii_case(term)) => {}
            _ => kept.push(term),
        }
    }
    if let Some(mechanism) =
        mechanism.filter(|wanted| !kept.iter().any(|known| known.eq_ignore_ascii_case(wanted)))
    {
        kept.push(mechanism);
    }
    joined(kept.into_iter(), end.unwrap_or("~all"))
}

fn terms(policy: &str) -> impl Iterator<Item = &str> {
    policy.split_ascii_whitespace().skip(1)
}

fn joined<'a>(terms: impl Iterator<Item = &'a str>, end: &'a str) -> String {
    std::iter::once(VERSION).chain(terms).chain(std::iter::once(end)).collect::<Vec<_>>().join(" ")
}
