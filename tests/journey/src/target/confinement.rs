//! A desk whose process may do less than others.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

/// Who owns nothing on a machine, by number, since not every machine has a name for them.
const NOBODY: u32 = 65_534;

/// What a process may not do.
#[derive(Debug)]
pub enum Confinement {
    /// No file may grow beyond so many bytes, rounded down to 512: as on a disk that is full.
    FileSize(u64),
    /// It runs as a user without privileges.
    Unprivileged(Unprivileged),
}

/// A user without privileges.
#[derive(Debug)]
pub struct Unprivileged {
    /// A copy of the binary that they can reach, if we are somebody else.
    copy: Option<(TempDir, PathBuf)>,
}

impl Confinement {
    /// The confinement to a user without privileges, who gets `data` and everything in it for their own. `None` when
    /// there is no way to become one.
    ///
    /// # Panics
    /// When the folder cannot be given away.
    pub fn unprivileged(data: &Path) -> Option<Self> {
        let folder = data.parent().expect("the data folder is in the desk's folder");
        if fs::metadata(folder).expect("the desk's folder is there").uid() != 0 {
            return Some(Self::Unprivileged(Unprivileged { copy: None }));
        }
        if !std::process::Command::new("setpriv")
            .arg("--version")
            .output()
            .is_ok_and(|it| it.status.success())
        {
            return None;
        }
        let place = TempDir::with_prefix("lambdesk-binary-").expect("a folder for the binary");
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
        let copy = place.path().join("lambdesk");
        fs::copy(super::binary(), &copy).expect("the binary can be copied");
        give(folder);
        Some(Self::Unprivileged(Unprivileged { copy: Some((place, copy)) }))
    }

    /// What starts `binary` confined; its arguments are still to come.
    pub(super) fn command(&self, binary: &Path) -> Command {
        match self {
            Self::FileSize(bytes) => {
                // Who outgrows the limit gets an error instead of a signal when the signal is ignored.
                let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", bytes / 512);
                let mut command = Command::new("sh");
                command.args(["-c", &script]).arg(binary);
                command
            }
            Self::Unprivileged(Unprivileged { copy: Some((_, copy)) }) => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]);
                command.arg("--").arg(copy);
                command
            }
            Self::Unprivileged(Unprivileged { copy: None }) => Command::new(binary),
        }
    }
}

/// Gives a folder and everything in it to nobody.
fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give files away");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("the folder is there") {
            give(&entry.expect("the folder can be read").path());
        }
    }
}
