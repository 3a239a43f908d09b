//! Under which URL the desk is reached.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::Shared;
use crate::problem::Problem;

/// A base URL of the desk, as a request tells it.
#[derive(Debug, Clone)]
pub(crate) struct Address(channels::address::Address);

impl std::ops::Deref for Address {
    type Target = channels::address::Address;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromRequestParts<Shared> for Address {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Shared) -> Result<Self, Problem> {
        let url = api.public_url.as_deref();
        Ok(Self(channels::address::Address::new(url, &parts.headers, &parts.uri)))
    }
}
