//! Small objects in the file, and large ones beside it.

use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use store::blobs::{BlobError, Blobs, NoLinks};

use crate::environment::Desk;

/// Objects, the place of the large ones among them, and the desk that keeps the small ones.
fn objects() -> (Blobs, Arc<InMemory>, Desk) {
    let (desk, large) = (Desk::new(), Arc::new(InMemory::new()));
    let blobs = Blobs::new(large.clone(), Arc::new(NoLinks));
    (blobs.keeping_small_ones_in(Arc::new(desk.sqlite.objects())), large, desk)
}

fn small(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn large() -> Bytes {
    vec![b'x'; 1024 * 1024].into()
}

#[tokio::test]
async fn a_small_object_is_no_file() {
    let (blobs, files, _desk) = objects();
    blobs.put("originals/a", small("one")).await.unwrap();
    assert_eq!(blobs.get("originals/a").await.unwrap(), small("one"));
    assert_eq!(blobs.size("originals/a").await.unwrap(), Some(3));
    assert!(files.head(&Path::from("originals/a")).await.is_err());

    blobs.put("originals/a", small("other")).await.unwrap();
    assert_eq!(blobs.get("originals/a").await.unwrap(), small("other"));
    blobs.delete("originals/a").await.unwrap();
    blobs.delete("originals/a").await.unwrap();
    assert!(matches!(blobs.get("originals/a").await, Err(BlobError::Missing(_))));
    assert_eq!(blobs.size("originals/a").await.unwrap(), None);
}

#[tokio::test]
async fn an_object_that_grows_or_shrinks_is_the_latest() {
    let (blobs, files, _desk) = objects();
    blobs.put("a", small("one")).await.unwrap();
    blobs.put("a", large()).await.unwrap();
    assert_eq!(blobs.get("a").await.unwrap(), large());
    assert!(files.head(&Path::from("a")).await.is_ok());
    blobs.put("a", small("two")).await.unwrap();
    assert_eq!(blobs.get("a").await.unwrap(), small("two"));
    blobs.delete("a").await.unwrap();
    assert_eq!(blobs.size("a").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_of_an_older_version_is_found() {
    let (blobs, files, _desk) = objects();
    let old: &dyn ObjectStore = &*files;
    old.put(&Path::from("a"), small("old").into()).await.unwrap();
    assert_eq!(blobs.get("a").await.unwrap(), small("old"));
    assert_eq!(blobs.size("a").await.unwrap(), Some(3));
}
