//! Addresses that any mail server takes.

use std::borrow::Cow;

use mail_builder::headers::address::Address;

use super::headers;
use crate::email::Mailbox;
use crate::platform::Unsendable;

/// The longest local part and domain, in bytes ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1)).
const LONGEST: (usize, usize) = (64, 253);

/// An address as it goes over the wire: all ASCII, its domain in Punycode and lower case.
///
/// # Errors
/// With `address_unsupported` when the part before the `@` is not ASCII, which only some servers take, and with
/// `bad_address` when it is no address.
pub fn deliverable(address: &str) -> Result<String, Unsendable> {
    let bad = || Unsendable {
        reason: "bad_address",
        detail: format!("“{}” is not an e-mail address.", headers::line(address)),
    };
    let (local, domain) = address.trim().rsplit_once('@').ok_or_else(bad)?;
    if local.chars().chain(domain.chars()).any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad());
    }
    if !local.is_ascii() {
        return Err(Unsendable {
            reason: "address_unsupported",
            detail: format!(
                "Mail servers do not reliably take letters outside ASCII before the @ of “{}”.",
                headers::line(address)
            ),
        });
    }
    let domain = idna::domain_to_ascii(domain).map_err(|_| bad())?;
    let atoms = |text: &str, allowed: fn(u8) -> bool| {
        text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(allowed))
    };
    let local_fits = local.len() <= LONGEST.0 && atoms(local, in_local_part);
    let domain_fits = domain.len() <= LONGEST.1 && atoms(&domain, in_domain);
    if local_fits && domain_fits { Ok(format!("{local}@{domain}")) } else { Err(bad()) }
}

/// An address with its name, for a header.
pub(super) fn header(mailbox: &Mailbox) -> Result<Address<'static>, Unsendable> {
    let name = mailbox.name.as_deref().map(headers::display_name).filter(|name| !name.is_empty());
    Ok(Address::new_address(name.map(Cow::Owned), deliverable(&mailbox.address)?))
}

/// What an unquoted local part consists of. Quoted ones exist in the standard and hardly anywhere else, and are a
/// classic way to smuggle something past a reader.
fn in_local_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
