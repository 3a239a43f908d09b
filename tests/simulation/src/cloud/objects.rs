//! The bucket: what its signed links do, and what people see of it from outside.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde_json::{Map, Value};
use store::blobs::{BlobError, Links, UploadForm};

use super::Cloud;

/// Where objects are reached.
const BUCKET: &str = "https://objects.example";

/// Links that hold for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignedLinks;

#[async_trait]
impl Links for SignedLinks {
    async fn upload(&self, key: &str, _: u64, _: &str, _: Timestamp) -> Result<UploadForm, BlobError> {
        let fields = Map::from_iter([("key".to_owned(), key.into())]);
        Ok(UploadForm { url: BUCKET.to_owned(), fields })
    }

    async fn download(&self, key: &str, _: &str, _: Timestamp) -> Result<Option<String>, BlobError> {
        Ok(Some(format!("{BUCKET}/{key}")))
    }
}

impl Cloud {
    /// Posts a form that the desk signed, with what the file holds. Whether it was one.
    pub async fn upload(&self, form: &Value, contents: Bytes) -> bool {
        let Some(key) = form.pointer("/fields/key").and_then(Value::as_str) else { return false };
        self.put_object(key, contents).await;
        true
    }

    /// Puts an object where services of the account put theirs.
    pub async fn put_object(&self, key: &str, contents: Bytes) {
        // The engine itself does not fail.
        let _put = self.objects.put(&Path::from(key), contents.into()).await;
    }

    /// What is behind a signed link.
    pub async fn download(&self, link: &str) -> Option<Bytes> {
        self.object(link.strip_prefix(BUCKET)?.trim_start_matches('/')).await
    }

    /// What an object holds.
    pub async fn object(&self, key: &str) -> Option<Bytes> {
        self.objects.get(&Path::from(key)).await.ok()?.bytes().await.ok()
    }
}
