//! The folder in which a local desk keeps everything.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use store::environment::Environment;
use store::seal::SealingKey;
use store::sqlite::OpenError;

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
    #[error(
        "the data folder {folder} cannot be used: {reason}\n\
         Give the folder and everything in it to the user that runs the desk (chown -R), see that its disk can be \
         written and has room, or name another folder with --data."
    )]
    Unusable { folder: PathBuf, reason: String },
    #[error(transparent)]
    Database(OpenError),
    #[error("another process is using the data folder {0}")]
    Taken(PathBuf),
    #[error("{0} does not hold a key of 32 bytes; restore it from a backup, because sealed secrets need it")]
    BadKey(PathBuf),
}

impl Home {
    /// Takes a folder, and makes it if need be.
    pub(crate) fn take(folder: &Path) -> Result<Self, HomeError> {
        let unusable = |path: &Path, error| unusable(folder, path, &error);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| unusable(folder, error))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|error| unusable(&path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HomeError::Taken(folder.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(&path, error)),
        }
        let objects = folder.join("objects");
        fs::create_dir_all(&objects).map_err(|error| unusable(&objects, error))?;
        // Whether files can be made shows now, and not with the first mail or the next log of the database.
        for place in [folder, &objects] {
            let trial = place.join("trial");
            let made = File::create(&trial).and_then(|_| fs::remove_file(&trial));
            made.map_err(|error| unusable(&trial, error))?;
        }
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// What it means that the database cannot be opened.
    pub(crate) fn without_database(&self, error: OpenError) -> HomeError {
        match error {
            OpenError::Unopenable { .. } | OpenError::ReadOnly(_) => {
                HomeError::Unusable { folder: self.folder.clone(), reason: error.to_string() }
            }
            foreign => HomeError::Database(foreign),
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
        let unusable = |error| unusable(&self.folder, &path, &error);
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

fn unusable(folder: &Path, path: &Path, error: &io::Error) -> HomeError {
    HomeError::Unusable { folder: folder.to_owned(), reason: format!("{}: {error}", path.display()) }
}
