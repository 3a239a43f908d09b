//! The object store: attachments, originals, and the signed links by which others read and write them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A form that lets its holder upload one object, once the server has signed it.
///
/// Post `multipart/form-data` to `url`: every field of `fields`, then the file as the last field, named `file`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadForm {
    /// Where to post to.
    pub url: String,
    /// What to post along.
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// Why the object store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such object.
    #[error("no object `{0}`")]
    Missing(String),
    /// Unreachable, full or refused.
    #[error("the object store is unavailable: {0}")]
    Unavailable(String),
}

/// Makes links that work without a token of the desk.
#[async_trait]
pub trait Links: Send + Sync + 'static {
    /// A form that uploads exactly `size` bytes of `content_type` to `key`, until `expires`.
    async fn upload(
        &self,
        key: &str,
        size: u64,
        content_type: &str,
        expires: Timestamp,
    ) -> Result<UploadForm, BlobError>;

    /// A link that downloads `key` as a file called `name`, until `expires`; `None` where the desk serves it itself.
    async fn download(&self, key: &str, name: &str, expires: Timestamp) -> Result<Option<String>, BlobError>;

    /// The same for whoever gets it with a mail, and has no other way to the desk: no desk serves it besides. `None`
    /// where there are no such links.
    async fn mailed(&self, key: &str, name: &str, expires: Timestamp) -> Result<Option<String>, BlobError> {
        self.download(key, name, expires).await
    }
}

/// No signed links, for a store that nobody reaches from outside.
#[derive(Debug, Clone, Copy)]
pub struct NoLinks;

#[async_trait]
impl Links for NoLinks {
    async fn upload(&self, key: &str, _: u64, _: &str, _: Timestamp) -> Result<UploadForm, BlobError> {
        Err(BlobError::Missing(key.to_owned()))
    }

    async fn download(&self, _: &str, _: &str, _: Timestamp) -> Result<Option<String>, BlobError> {
        Ok(None)
    }
}

/// Where small objects may be kept apart from large ones: where a file for each would cost more than its bytes.
#[async_trait]
pub trait SmallObjects: Send + Sync + 'static {
    /// Stores an object, in place of the one that is there; durably, once this returns.
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BlobError>;

    /// Reads an object whole; `None` if there is none.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, BlobError>;

    /// The size of an object in bytes; `None` if there is none.
    async fn size(&self, key: &str) -> Result<Option<u64>, BlobError>;

    /// Removes an object, if it is there.
    async fn delete(&self, key: &str) -> Result<(), BlobError>;
}

/// Objects of up to this many bytes are small: nearly every mail is.
const SMALL: usize = 128 * 1024;

/// The object store.
#[derive(Clone)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
    small: Option<Arc<dyn SmallObjects>>,
    /// Signed links to it.
    pub links: Arc<dyn Links>,
}

impl Blobs {
    /// Joins a store and the links to it.
    pub fn new(objects: Arc<dyn ObjectStore>, links: Arc<dyn Links>) -> Self {
        Self { objects, small: None, links }
    }

    /// The same with another place for small objects. Those that are in the store already are found there.
    #[must_use]
    pub fn keeping_small_ones_in(self, small: Arc<dyn SmallObjects>) -> Self {
        Self { small: Some(small), ..self }
    }

    /// Stores an object, in place of the one that is there.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BlobError> {
        let outgrown = match &self.small {
            // One that is in the store as well is hidden by this one.
            Some(small) if bytes.len() <= SMALL => return small.put(key, bytes).await,
            Some(small) => small.size(key).await?.map(|_| small),
            None => None,
        };
        self.objects
            .put(&Path::from(key), PutPayload::from_bytes(bytes))
            .await
            .map_err(|error| failure(key, &error))?;
        match outgrown {
            Some(small) => small.delete(key).await,
            None => Ok(()),
        }
    }

    /// Reads an object whole.
    ///
    /// # Errors
    /// When there is none, or the store is unavailable.
    pub async fn get(&self, key: &str) -> Result<Bytes, BlobError> {
        if let Some(small) = &self.small
            && let Some(bytes) = small.get(key).await?
        {
            return Ok(bytes);
        }
        let found = self.objects.get(&Path::from(key)).await.map_err(|error| failure(key, &error))?;
        found.bytes().await.map_err(|error| failure(key, &error))
    }

    /// The size of an object in bytes; `None` if there is none.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn size(&self, key: &str) -> Result<Option<u64>, BlobError> {
        if let Some(small) = &self.small
            && let Some(size) = small.size(key).await?
        {
            return Ok(Some(size));
        }
        match self.objects.head(&Path::from(key)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(key, &error)),
        }
    }

    /// Removes an object, if it is there.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn delete(&self, key: &str) -> Result<(), BlobError> {
        if let Some(small) = &self.small {
            small.delete(key).await?;
        }
        match self.objects.delete(&Path::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(key, &error)),
        }
    }
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blobs").field("objects", &self.objects.to_string()).finish_non_exhaustive()
    }
}

fn failure(key: &str, error: &object_store::Error) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::Missing(key.to_owned()),
        other => BlobError::Unavailable(other.to_string()),
    }
}
