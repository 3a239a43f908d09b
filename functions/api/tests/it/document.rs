//! The OpenAPI document: whole, and as it was when somebody last looked.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::stage::Stage;

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) about: Value,
}

pub(crate) async fn document(stage: &Stage) -> Value {
    stage.send(Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap()).await.is(200)
}

pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, about) in item.as_object().unwrap() {
            let scopes = about["security"].as_array().into_iter().flatten();
            let scopes = scopes.flat_map(|one| one["token"].as_array().unwrap());
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                scopes: scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect(),
                about: about.clone(),
            });
        }
    }
    found
}

#[tokio::test]
async fn the_document_is_as_it_was() {
    let stage = Stage::new().await;
    let mut document = document(&stage).await;
    document["info"]["version"] = "the crate's".into();
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn every_route_is_described_with_its_problems() {
    let stage = Stage::new().await;
    let document = document(&stage).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&document);
    let mut ids: Vec<_> = operations.iter().map(|it| it.about["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), operations.len(), "operation ids are unique");
    for Operation { method, path, scopes, about } in &operations {
        let place = format!("{method} {path}");
        assert!(about["summary"].is_string(), "{place}");
        let responses = about["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{place}");
        assert!(responses.keys().any(|status| status.starts_with('4')), "{place}");
        assert_eq!(
            scopes.is_empty(),
            !path.starts_with("/api/v1/") || path.ends_with("openapi.json"),
            "{place}"
        );
        if !scopes.is_empty() {
            assert!(responses.contains_key("401") && responses.contains_key("403"), "{place}");
        }
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let parameters = about["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|it| it["in"] == "path" && it["name"] == name), "{place} {name}");
        }
    }
    // Nothing refers to what is not there.
    for reference in references(&document) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    // What a crate's source registers is what the document describes.
    let described = operations.len();
    let registered = count_routes(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    // The four kinds of settings share one registration of five operations.
    assert_eq!(described, registered + 3 * 5);
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// How many handlers the source describes.
fn count_routes(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                return count_routes(&path);
            }
            std::fs::read_to_string(path).unwrap().matches("#[utoipa::path(").count()
        })
        .sum()
}
