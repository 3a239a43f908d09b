//! What stands in the URL: places in the path, parameters of the query.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// The variable parts of the path. What cannot be one leads nowhere.
#[derive(Debug)]
pub(crate) struct Place<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        Ok(Self(path.0))
    }
}

/// The parameters of the query. An empty one counts as absent; one that is repeated, as a list with commas.
#[derive(Debug)]
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut given = Map::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if value.is_empty() {
                continue;
            }
            let joined = match given.get(&*name) {
                Some(Value::String(before)) => format!("{before},{value}"),
                _ => value.into_owned(),
            };
            given.insert(name.into_owned(), Value::String(joined));
        }
        let parameters = serde_path_to_error::deserialize(Value::Object(given)).map_err(|error| {
            let name = error.path().to_string();
            let detail = match name.as_str() {
                "." => error.inner().to_string(),
                name => format!("The parameter `{name}` is not as it should be: {}.", error.inner()),
            };
            Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail)
        })?;
        Ok(Self(parameters))
    }
}

/// Reads a parameter from its text.
pub(crate) fn parsed<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Values of one parameter, with commas between them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Several<T>(pub(crate) Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let values = text.split(',').map(|word| T::deserialize(Value::String(word.trim().to_owned())));
        Ok(Self(values.collect::<Result<_, _>>().map_err(D::Error::custom)?))
    }
}

/// A value, or the word `none` for objects without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrNone<T>(pub(crate) Option<T>);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for OrNone<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Word<T> {
            type Value = OrNone<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id or `none`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OrNone<T>, E> {
                match text {
                    "none" => Ok(OrNone(None)),
                    id => id.parse().map(|id| OrNone(Some(id))).map_err(E::custom),
                }
            }
        }

        deserializer.deserialize_str(Word(PhantomData))
    }
}
