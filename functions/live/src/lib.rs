//! Open connections of the chat's visitors.
//!
//! | module | holds |
//! |---|---|
//! | `door` | who may open one |
//! | `gateway` | connections that a gateway holds: its events |
//! | `hub`, `socket` | connections that this process holds |

mod door;
mod gateway;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "hub")]
mod socket;

pub use self::door::{Door, Refused};
pub use self::gateway::{Gateway, GatewayEvent};
#[cfg(feature = "hub")]
pub use self::hub::Hub;
#[cfg(feature = "hub")]
pub use self::socket::handler;
