//! The folder in which a local desk keeps everything.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use store::environment::Environment;
use store::seal::SealingKey;

/// The folder, held by this process alone.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    /// Held, not read: the lock ends with the process.
    _lock: File,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HomeError {
    #[error("the data folder {folder} cannot be used: {error}")]
    Unusable { folder: PathBuf, error: io::Error },
    #[error("another process is using the data folder {0}")]
    Taken(PathBuf),
    #[error("{0} does not hold a key of 32 bytes; restore it from a backup, because sealed secrets need it")]
    BadKey(PathBuf),
}

impl Home {
    /// Takes a folder, and makes it if need be.
    pub(crate) fn take(folder: &Path) -> Result<Self, HomeError> {
        let unusable = |error| HomeError::Unusable { folder: folder.to_owned(), error };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
        fs::create_dir_all(folder.join("objects")).map_err(unusable)?;
        let lock = File::create(folder.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(HomeError::Taken(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("lambdesk.db")
    }

    /// The folder of the object store.
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }

    /// The installation's key, made at the first start, readable by its owner only.
    pub(crate) fn sealing_key(&self, environment: &dyn Environment) -> Result<SealingKey, HomeError> {
        let path = self.folder.join("key");
        let unusable = |error| HomeError::Unusable { folder: path.clone(), error };
        let mut bytes = Vec::new();
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                bytes.resize(SealingKey::LENGTH, 0);
                environment.fill(&mut bytes);
                file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(unusable)?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(unusable)?;
            }
            Err(error) => return Err(unusable(error)),
        }
        SealingKey::new(&bytes).ok_or(HomeError::BadKey(path))
    }
}
