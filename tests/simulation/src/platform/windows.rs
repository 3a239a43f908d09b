//! Windows in which visitors of the site have the chat open.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The place of the visit.
    pub visit: usize,
    /// Everything that was pushed to it, in order.
    pub frames: Vec<String>,
    is_open: bool,
    has_news: bool,
}

/// All windows that ever were.
#[derive(Debug, Default)]
pub struct Windows {
    state: Mutex<Vec<Window>>,
}

impl Windows {
    fn state(&self) -> MutexGuard<'_, Vec<Window>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one. What the gateway calls it.
    pub fn open(&self, visit: usize) -> String {
        let mut state = self.state();
        state.push(Window { visit, frames: Vec::new(), is_open: true, has_news: false });
        format!("window-{}=", state.len() - 1)
    }

    /// Closes one.
    pub fn close(&self, id: &str) {
        let mut state = self.state();
        if let Some(window) = place(id).and_then(|place| state.get_mut(place)) {
            window.is_open = false;
        }
    }

    /// Shows a frame in a window. Whether it is still there.
    pub fn show(&self, id: &str, frame: &str) -> bool {
        let mut state = self.state();
        let Some(window) = place(id).and_then(|place| state.get_mut(place)).filter(|window| window.is_open)
        else {
            return false;
        };
        window.frames.push(frame.to_owned());
        window.has_news = true;
        true
    }

    /// Whether something was pushed to a visitor since this was asked before.
    pub fn had_news(&self, visit: usize) -> bool {
        let mut state = self.state();
        let own = state.iter_mut().filter(|window| window.visit == visit);
        own.filter_map(|window| std::mem::take(&mut window.has_news).then_some(())).count() > 0
    }

    /// All of them.
    pub fn all(&self) -> Vec<Window> {
        self.state().clone()
    }
}

fn place(id: &str) -> Option<usize> {
    id.strip_prefix("window-")?.strip_suffix('=')?.parse().ok()
}
