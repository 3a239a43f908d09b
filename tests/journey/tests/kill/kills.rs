//! The desk is killed two hundred times, at moments that chance decides, while everybody writes.

use std::time::{Duration, Instant};

use journey::stage::Stage;
use journey::target::Receiving;

use crate::ledger;
use crate::load::{Said, Scene, Told};
use crate::moments::{self, between};
use crate::report;

const KILLS: usize = 200;
/// From the desk's readiness to its death.
const LEAST: Duration = Duration::from_millis(20);
const MOST: Duration = Duration::from_millis(300);
/// Every so manieth kill comes while the desk still starts: it takes up what the last one left, and is to do so again.
const STARTS: usize = 3;
/// From its launch to such a death.
const START: Duration = Duration::from_millis(100);
/// On a slow machine a life may last as long as this many mails take when nothing disturbs them: most that is begun shall
/// have a chance to end.
const MAILS: u32 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_nothing_and_double_nothing() {
    let (mut chance, seed) = moments::given();
    report(&format!("the moments of the kills: LAMBDESK_KILL_SEED={seed}"));
    let begun = Instant::now();
    let mut stage = Stage::local(Receiving::Webhook).await;
    let scene = Scene::set(&mut stage).await;

    let mut chances = || chance.fork();
    let (chats, mails, newcomers) = (scene.chats(chances()), scene.mails(chances()), scene.newcomers());
    let (visits, answers) = (scene.visits(chances()), scene.answers(chances()));
    let mut moments = chances();
    stage.process().kill().await;
    let most = MOST.max(scene.pace() * MAILS);
    let kills = async {
        for number in 0..KILLS {
            if number % STARTS == 0 {
                stage.process().launch();
                tokio::time::sleep(between(&mut moments, Duration::ZERO, START)).await;
            } else {
                stage.process().restart().await;
                tokio::time::sleep(between(&mut moments, LEAST, most)).await;
            }
            stage.process().kill().await;
        }
        stage.process().restart().await;
        scene.end();
    };
    let (chats, mails, newcomers, mut visits, answers, ()) =
        tokio::join!(chats, mails, newcomers, visits, answers, kills);
    let killed = begun.elapsed();

    let visited = visits.iter().map(|visit| &visit.told);
    let told: Vec<&Told> = chats.iter().chain(&mails).chain(&newcomers).chain(visited).collect();
    let (messages, files) = count(told.iter().flat_map(|told| &told.messages));
    let (answered, attached) = count(answers.iter().map(|answer| &answer.said));
    assert!(messages > 2 * KILLS && answered > KILLS, "a load: {messages} messages, {answered} answers");
    assert!(2 * files > KILLS && 10 * attached > KILLS, "files: {files} in messages, {attached} in answers");
    assert!(told.iter().all(|told| told.messages.len() > 1), "everybody wrote: {told:#?}");
    let tickets = ledger::drained(&stage).await;
    ledger::messages(&stage.desk, &told, &tickets).await;
    for visit in &mut visits {
        visit.reads().await;
    }
    ledger::views(&visits);
    let uncertain = ledger::answers(&stage.desk, &scene, &visits, &answers, &tickets).await;
    let log = stage.log();
    assert!(!log.contains("panicked"), "no panic");
    report(&format!(
        "{KILLS} kills, every third during a start and the others {} to {} ms after one, in {:.0} s and {:.0} s until \
         all was looked at: {messages} messages of {} conversations, {files} of them with a file, each once and in \
         order; {answered} answers, {attached} of them with a file, of which {uncertain} are uncertain and none was \
         sent twice",
        LEAST.as_millis(),
        most.as_millis(),
        killed.as_secs_f32(),
        (begun.elapsed() - killed).as_secs_f32(),
        tickets.len(),
    ));
}

/// How many there are, and how many of them have a file.
fn count<'a>(said: impl Iterator<Item = &'a Said>) -> (usize, usize) {
    said.fold((0, 0), |(all, files), said| (all + 1, files + usize::from(said.file.is_some())))
}
