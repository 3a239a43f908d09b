//! Tickets follow changed settings, however the changes and the work meet.

use std::sync::Arc;
use std::time::Duration;

use desk::ids::{TeamId, Ulid};
use desk::settings::Team;
use store::settings::Versioned;
use store::sqlite::TableName;
use store::table::TableError;

use crate::environment::Desk;

#[tokio::test]
async fn the_end_of_one_change_is_not_the_end_of_the_next() {
    let files = Desk::new();
    let desk = store::Desk::new(Arc::new(files.sqlite.table(TableName::Main)), files.clock.clone());
    change(&desk, 1).await;
    let work = desk.recomputation().await.unwrap().unwrap();
    change(&desk, 2).await;
    let ended = desk.save_recomputation(work, None).await;
    assert!(matches!(ended, Err(TableError::ConditionFailed(_))), "{ended:?}");
    let work = desk.recomputation().await.unwrap().unwrap();
    assert_eq!((work.rounds, work.cursor), (2, None));
}

#[tokio::test]
async fn tickets_are_gone_through_again_when_the_settings_of_before_are_forgotten() {
    let files = Desk::new();
    let desk = store::Desk::new(Arc::new(files.sqlite.table(TableName::Main)), files.clock.clone());
    assert_eq!(desk.recomputation().await.unwrap(), None);
    change(&desk, 1).await;
    let work = desk.recomputation().await.unwrap().unwrap();
    let work = desk.save_recomputation(work, Some("half".to_owned())).await.unwrap();
    assert_eq!(desk.recomputation().await.unwrap().as_ref(), Some(&work));
    desk.save_recomputation(work, None).await.unwrap();
    assert_eq!(desk.recomputation().await.unwrap(), None, "others trust what they have read");
    files.clock.advance(Duration::from_mins(2));
    let work = desk.recomputation().await.unwrap().unwrap();
    assert_eq!(work.cursor, None, "from the top");
    desk.save_recomputation(work, None).await.unwrap();
    files.clock.advance(Duration::from_hours(1));
    assert_eq!(desk.recomputation().await.unwrap(), None);
    change(&desk, 2).await;
    assert!(desk.recomputation().await.unwrap().is_some());
}

/// Writes a setting, whose version comes next, that tickets must follow.
async fn change(desk: &store::Desk, version: u64) {
    let team =
        Team { id: TeamId::new(Ulid::from_parts(1, 1)), name: format!("Team {version}"), sender_name: None };
    desk.save_setting(&Versioned { version, value: team }, true, Vec::new()).await.unwrap();
}
