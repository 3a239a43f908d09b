//! Files.

use std::fmt::{self, Debug, Formatter};

use bytes::Bytes;
use chance::Chance;

/// The most bytes of a file that lies in the database.
const SMALL: usize = 16 * 1024;
/// More than fit there.
const LARGE: usize = 160 * 1024;
/// Every so manieth file is large.
const SELDOM: u64 = 10;

/// A file that begins as a JPEG picture.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Picture(pub(crate) Bytes);

impl Picture {
    pub(crate) const TYPE: &str = "image/jpeg";
    pub(crate) const NAME: &str = "parcel.jpg";

    /// One that nobody else sends.
    pub(crate) fn like_no_other(chance: &mut Chance) -> Self {
        let size = if chance.once_in(SELDOM) { LARGE } else { 16 + chance.place(SMALL) };
        let mut noise = chance.fork();
        let noise = (0..size).map(|_| noise.below(256) as u8);
        Self([0xff, 0xd8, 0xff, 0xe0].into_iter().chain(noise).collect())
    }
}

/// So much that a failure tells which one it is.
impl Debug for Picture {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, {:02x?}…", self.0.len(), self.0.get(..12).unwrap_or(&self.0))
    }
}
