//! The object store as functions see it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::{Fate, Faults, Port};

/// An object store whose reads and writes may be struck.
#[derive(Debug)]
pub struct FaultyObjects {
    objects: Arc<InMemory>,
    faults: Arc<Faults>,
}

impl FaultyObjects {
    /// Strikes an object store.
    pub fn new(objects: Arc<InMemory>, faults: Arc<Faults>) -> Self {
        Self { objects, faults }
    }
}

impl fmt::Display for FaultyObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects")
    }
}

fn error(fate: &Fate) -> Error {
    Error::Generic { store: "objects", source: fate.word().into() }
}

fn unstruck(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: "the simulation".to_owned() }
}

async fn delete(objects: Arc<InMemory>, faults: Arc<Faults>, location: Result<Path>) -> Result<Path> {
    let location = location?;
    let what = format!("object {location} deleted");
    let delete = async move { objects.delete(&location).await.map(|()| location) };
    faults.effect(Port::Objects, &what, error, delete).await
}

#[async_trait]
impl ObjectStore for FaultyObjects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let what = format!("object {location}");
        let (objects, location) = (Arc::clone(&self.objects), location.clone());
        let put = async move { objects.put_opts(&location, payload, opts).await };
        self.faults.effect(Port::Objects, &what, error, put).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if self.faults.unreadable(Port::Objects, "object") {
            return Err(error(&Fate::Refused));
        }
        self.objects.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (objects, faults) = (Arc::clone(&self.objects), Arc::clone(&self.faults));
        let delete = move |location| delete(Arc::clone(&objects), Arc::clone(&faults), location);
        locations.then(delete).boxed()
    }

    // The desk does nothing of what follows. Whatever it begins to do has to be struck, too.

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(unstruck("an upload in parts"))
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::once(async { Err(unstruck("a list")) }).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(unstruck("a list"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(unstruck("a copy"))
    }
}
