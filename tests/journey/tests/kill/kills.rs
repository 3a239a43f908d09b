//! The desk is killed two hundred times, at moments that chance decides, while everybody writes.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use journey::stage::Stage;
use journey::target::Receiving;

use crate::chance::Chance;
use crate::ledger;
use crate::load::Scene;
use crate::report;

const KILLS: usize = 200;
const AGENTS: usize = 2;
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
    let (mut chance, seed) = Chance::given();
    report(&format!("the moments of the kills: LAMBDESK_KILL_SEED={seed}"));
    let begun = Instant::now();
    let mut stage = Stage::local(Receiving::Webhook).await;
    let scene = Scene::set(&stage).await;

    let mut chances = || chance.fork();
    let chats = join_all((0..scene.regulars()).map(|regular| scene.chats(regular, chances())));
    let mails = join_all((0..scene.authors()).map(|author| scene.mails(author, chances())));
    let answers = join_all((0..AGENTS).map(|agent| scene.answers(agent, chances())));
    let mut moments = chances();
    stage.process().kill().await;
    let most = MOST.max(scene.pace() * MAILS);
    let kills = async {
        for number in 0..KILLS {
            if number % STARTS == 0 {
                stage.process().launch();
                tokio::time::sleep(moments.between(Duration::ZERO, START)).await;
            } else {
                stage.process().restart().await;
                tokio::time::sleep(moments.between(LEAST, most)).await;
            }
            stage.process().kill().await;
        }
        stage.process().restart().await;
        scene.end();
    };
    let (mut chats, mails, newcomers, answers, ()) =
        tokio::join!(chats, mails, scene.newcomers(), answers, kills);
    let killed = begun.elapsed();
    chats.extend(newcomers);
    let answers: Vec<_> = answers.into_iter().flatten().collect();

    let messages: usize = chats.iter().chain(&mails).map(|told| told.texts.len()).sum();
    assert!(messages > 2 * KILLS && answers.len() > KILLS, "a load: {messages} messages, {answers:?}");
    ledger::drained(&stage, &answers).await;
    ledger::messages(&stage, &scene.line, &chats, &mails).await;
    let uncertain = ledger::answers(&stage, &scene, &answers).await;
    let log = stage.log();
    assert!(!log.contains("panicked"), "no panic");
    report(&format!(
        "{KILLS} kills, every third during a start and the others {} to {} ms after one, in {:.0} s and {:.0} s until all was looked at: {messages} messages of {} conversations, each \
         once and in order; {} answers, of which {uncertain} are uncertain and none was sent twice",
        LEAST.as_millis(),
        most.as_millis(),
        killed.as_secs_f32(),
        (begun.elapsed() - killed).as_secs_f32(),
        chats.len() + mails.len(),
        answers.len(),
    ));
}
