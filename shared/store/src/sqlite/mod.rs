//! The engine of the local desk: table and queues in one SQLite file.
