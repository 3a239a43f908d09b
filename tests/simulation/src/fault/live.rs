//! Pushing as functions do it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use desk::channel::ThreadKey;
use store::live::{Live, closed, open_of};
use store::table::Table;

use super::{Fate, Faults, Port};
use crate::platform::Windows;

/// How long one push may take in all, as on AWS.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pushes to windows whose connections a gateway holds, which may be struck.
pub struct FaultyLive {
    index: Arc<dyn Table>,
    windows: Arc<Windows>,
    faults: Arc<Faults>,
}

impl FaultyLive {
    /// Strikes the way to windows.
    pub fn new(index: Arc<dyn Table>, windows: Arc<Windows>, faults: Arc<Faults>) -> Self {
        Self { index, windows, faults }
    }

    async fn push_to_all(&self, thread: &ThreadKey, frame: &str) {
        let Ok(open) = open_of(&*self.index, thread).await else { return };
        for open in open {
            let (windows, id, frame) = (Arc::clone(&self.windows), open.id.clone(), frame.to_owned());
            let show = async move { Ok(windows.show(&id, &frame)) };
            if self.faults.effect(Port::Live, "push", |_: &Fate| (), show).await == Ok(false) {
                let _forgotten = closed(&*self.index, &open).await;
            }
        }
    }
}

#[async_trait]
impl Live for FaultyLive {
    async fn push(&self, thread: &ThreadKey, frame: &str) {
        let _in_time = tokio::time::timeout(PATIENCE, self.push_to_all(thread, frame)).await;
    }
}

impl fmt::Debug for FaultyLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyLive").finish_non_exhaustive()
    }
}
