//! The OpenAPI document: what the code cannot say of itself handler by handler.

use std::sync::LazyLock;

use axum::Json;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{MEDIA_TYPE, ProblemDocument};
use crate::routes::{Routes, routes};

/// The name of the security scheme that operations refer to.
const TOKEN: &str = "token";
/// The name of the answer that is a problem.
const PROBLEM: &str = "Problem";

const ABOUT: &str = "\
The REST API of Lambdesk, a serverless help desk.

Every path under `/api/v1`, but this document, needs `Authorization: Bearer <token>`. The word beside `token` in an \
operation's security is the scope that the token needs; a token may also be limited to the tickets of some teams, and \
what it may not see does not exist for it.

Errors are problems as in RFC 9457, with a `code` that never changes. Lists come as `{items, next_cursor}`; hand \
`next_cursor` in as `cursor` for what follows. A POST that creates something takes an `Idempotency-Key`: for two days \
the same request with the same key is done once and answered the same. Times are RFC 3339 in UTC.";

/// The document. Made when somebody first asks, because a cold start has no time for it.
static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| complete(crate::routes().describe(outline())));

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(show))
}

/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "get_openapi", tag = "operations",
    responses((status = OK, body = Object, description = "An OpenAPI 3.1 document.")),
)]
async fn show() -> Json<&'static OpenApi> {
    Json(&DOCUMENT)
}

/// What the document starts with.
fn outline() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Lambdesk")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(
            LicenseBuilder::new().name("Apache-2.0").identifier(Some(env!("CARGO_PKG_LICENSE"))).build(),
        ))
        .build();
    let tags = [
        ("tickets", "Tickets, what happened to them, and answers to customers."),
        ("contacts", "The people who write."),
        ("connections", "The firm's accounts on channels."),
        ("settings", "Teams, agents, service levels, working hours."),
        ("tokens", "API tokens."),
        ("operations", "Looking after the desk."),
    ];
    let tags = tags.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    OpenApiBuilder::new().info(info).tags(Some(tags)).build()
}

/// Adds what all operations have in common: the token, and the problems that each can answer.
fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let mut schemas = Vec::new();
    <ProblemDocument<'_> as ToSchema>::schemas(&mut schemas);
    schemas.push((PROBLEM.to_owned(), <ProblemDocument<'_> as PartialSchema>::schema()));
    components.schemas.extend(schemas);
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
    let problem =
        ResponseBuilder::new().description("Why it was not done.").content(MEDIA_TYPE, content.clone());
    components.responses.insert(PROBLEM.to_owned(), problem.build().into());
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            for status in problems(path, operation) {
                let answer = RefOr::Ref(Ref::from_response_name(PROBLEM));
                operation.responses.responses.entry(status.to_owned()).or_insert(answer);
            }
            for (status, answer) in &mut operation.responses.responses {
                if let RefOr::T(answer) = answer
                    && status.starts_with(['4', '5'])
                {
                    answer.content.insert(MEDIA_TYPE.to_owned(), content.clone().into());
                }
            }
        }
    }
    document
}

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// The statuses of the problems that an operation can answer by its form alone.
fn problems(path: &str, operation: &Operation) -> Vec<&'static str> {
    let mut statuses = vec!["4XX", "5XX"];
    if operation.security.is_none() {
        return statuses;
    }
    statuses.extend(["401", "403"]);
    if path.contains('{') {
        statuses.push("404");
    }
    if operation.request_body.is_some() {
        statuses.extend(["400", "413", "415", "422"]);
    }
    let parameters = operation.parameters.iter().flatten();
    for parameter in parameters {
        let RefOr::T(parameter) = parameter else { continue };
        match parameter.parameter_in {
            ParameterIn::Query => statuses.push("400"),
            ParameterIn::Header if parameter.name == "If-Match" => statuses.push("412"),
            _ => {}
        }
    }
    statuses
}
