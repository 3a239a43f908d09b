//! Who an author is, for counting: a machine may have many addresses that are all its own.

/// Providers whose domains hold mailboxes of people who have nothing to do with one another.
const PROVIDERS: [&str; 40] = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "yahoo.com",
    "yahoo.co.uk",
    "ymail.com",
    "aol.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "proton.me",
    "protonmail.com",
    "pm.me",
    "gmx.de",
    "gmx.net",
    "gmx.com",
    "gmx.at",
    "web.de",
    "t-online.de",
    "freenet.de",
    "mail.com",
    "mail.ru",
    "bk.ru",
    "inbox.ru",
    "list.ru",
    "internet.ru",
    "yandex.ru",
    "yandex.com",
    "ya.ru",
    "rambler.ru",
    "ukr.net",
    "orange.fr",
    "laposte.net",
    "libero.it",
    "wp.pl",
    "seznam.cz",
    "qq.com",
];
/// Second-level names below which whole countries register.
const REGISTRIES: [&str; 9] = ["co", "com", "org", "net", "ac", "gov", "edu", "ne", "or"];

/// The one mailbox behind an address and its variants: in lower case, without what follows a plus and, where the
/// provider ignores them, without dots.
pub(crate) fn mailbox(address: &str) -> String {
    let address = address.to_lowercase();
    let Some((local, domain)) = address.rsplit_once('@') else { return address };
    let local = local.split_once('+').map_or(local, |(local, _)| local);
    match domain {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", local.replace('.', "")),
        domain => format!("{local}@{domain}"),
    }
}

/// Whoever owns all mailboxes of an address's domain, by the part of it that somebody registered; `None` for a provider,
/// who owns none of them.
pub(crate) fn organisation(address: &str) -> Option<&str> {
    let domain = address.rsplit_once('@').map_or(address, |(_, domain)| domain);
    if PROVIDERS.contains(&domain) {
        return None;
    }
    let labels: Vec<&str> = domain.rsplit('.').take(3).collect();
    let registered = match labels.as_slice() {
        [country, second, ..] if country.len() == 2 && REGISTRIES.contains(second) => 3,
        _ => 2,
    };
    let mut dots = domain.rmatch_indices('.').skip(registered - 1);
    Some(dots.next().map_or(domain, |(dot, _)| domain.get(dot + 1..).unwrap_or(domain)))
}

#[cfg(test)]
mod tests {
    use super::{mailbox, organisation};

    #[test]
    fn variants_of_an_address_are_one_mailbox() {
        for same in ["ann.lee@gmail.com", "AnnLee+1@gmail.com", "a.n.n.lee+x+y@googlemail.com"] {
            assert_eq!(mailbox(same), "annlee@gmail.com");
        }
        assert_eq!(mailbox("Ann.Lee+tag@Example.org"), "ann.lee@example.org");
        assert_ne!(mailbox("ann@example.org"), mailbox("bob@example.org"));
    }

    #[test]
    fn an_organisation_is_what_somebody_registered() {
        for (address, owner) in [
            ("a@example.org", Some("example.org")),
            ("a@x1.mail.example.org", Some("example.org")),
            ("a@shop.co.uk", Some("shop.co.uk")),
            ("a@x.shop.com.br", Some("shop.com.br")),
            ("a@co.uk", Some("co.uk")),
            ("a@localhost", Some("localhost")),
            ("a@gmail.com", None),
            ("a@mail.ru", None),
            ("a@shop.mail.ru", Some("mail.ru")),
        ] {
            assert_eq!(organisation(address), owner, "{address}");
        }
    }
}
