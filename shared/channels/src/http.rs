//! The one HTTP client by which channels talk to their platforms.
