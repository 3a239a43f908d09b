//! Where the desk runs: in one process here, or as functions on the AWS emulator.

mod confinement;
mod emulator;
mod local;
mod signing;

pub use self::confinement::Confinement;
pub use self::emulator::{Emulator, Turn};
pub use self::local::{Local, Receiving, allow_files, binary};
