//! The figures, one a module.

pub mod acknowledgement;
pub mod mail;
