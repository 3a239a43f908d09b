use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use reqwest::multipart::{Form, Part};
use reqwest::{Response, StatusCode};
use store::blobs::{BlobError, Blobs, UploadForm};
use store::environment::{Environment as _, System};

use crate::{client, emulator, fresh};

async fn create(config: &SdkConfig) -> Blobs {
    let bucket = fresh("bucket");
    let url = format!("{}/{bucket}", config.endpoint_url().unwrap());
    client().put(url).send().await.unwrap().error_for_status().unwrap();
    lambda::blobs(config, &bucket, Arc::new(System::new())).unwrap()
}

/// Posts a file as a browser would.
async fn post(form: &UploadForm, bytes: Vec<u8>) -> Response {
    let mut multipart = Form::new();
    for (name, value) in &form.fields {
        multipart = multipart.text(name.clone(), value.as_str().unwrap().to_owned());
    }
    let file = Part::bytes(bytes).file_name("a.png");
    client().post(&form.url).multipart(multipart.part("file", file)).send().await.unwrap()
}

#[tokio::test]
async fn objects_are_kept() {
    let Some(config) = emulator().await else { return };
    let blobs = create(&config).await;
    let key = "attachments/ä b+c.bin";
    assert_eq!(blobs.size(key).await.unwrap(), None);
    assert!(matches!(blobs.get(key).await, Err(BlobError::Missing(_))));
    blobs.put(key, vec![7; 1000].into()).await.unwrap();
    blobs.put(key, vec![8; 2000].into()).await.unwrap();
    assert_eq!(blobs.size(key).await.unwrap(), Some(2000));
    assert_eq!(blobs.get(key).await.unwrap(), vec![8; 2000]);
    blobs.delete(key).await.unwrap();
    blobs.delete(key).await.unwrap();
    assert_eq!(blobs.size(key).await.unwrap(), None);
}

#[tokio::test]
async fn a_form_uploads_its_file_and_nothing_else() {
    let Some(config) = emulator().await else { return };
    let blobs = create(&config).await;
    let now = System::new().now();
    let in_an_hour = now + Duration::from_hours(1);
    let form = blobs.links.upload("uploads/ä.png", 5, "image/png", in_an_hour).await.unwrap();
    assert!(form.fields.contains_key("x-amz-security-token"));
    for size in [4, 6] {
        let response = post(&form, vec![1; size]).await;
        assert!(response.status().is_client_error(), "{size} bytes: {response:?}");
    }
    assert_eq!(blobs.size("uploads/ä.png").await.unwrap(), None);
    let response = post(&form, b"12345".to_vec()).await;
    assert!(response.status().is_success(), "{response:?}");
    assert_eq!(blobs.get("uploads/ä.png").await.unwrap(), &b"12345"[..]);

    let mut elsewhere = form.clone();
    elsewhere.fields.insert("key".to_owned(), "uploads/other.png".into());
    let mut other_type = form.clone();
    other_type.fields.insert("Content-Type".to_owned(), "text/html".into());
    let late =
        blobs.links.upload("uploads/ä.png", 5, "image/png", now - Duration::from_mins(1)).await.unwrap();
    for form in [elsewhere, other_type, late] {
        let response = post(&form, b"12345".to_vec()).await;
        assert!(response.status().is_client_error(), "{form:?}: {response:?}");
    }
}

#[tokio::test]
async fn a_link_downloads_under_a_name() {
    let Some(config) = emulator().await else { return };
    let blobs = create(&config).await;
    blobs.put("files/1", b"content".to_vec().into()).await.unwrap();
    let in_an_hour = System::new().now() + Duration::from_hours(1);
    let link = blobs.links.download("files/1", "über \"uns\".txt", in_an_hour).await.unwrap().unwrap();
    let response = client().get(link).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(disposition, "attachment; filename*=UTF-8''%C3%BCber%20%22uns%22.txt");
    assert_eq!(response.bytes().await.unwrap(), &b"content"[..]);
}
