//! Which clocks there are after an event, and in the end.

use desk::event::Event;
use desk::sla::Metric;
use desk::ticket::Status;

use super::clock::Clock;
use super::waiting::{is_answer, is_question, is_undelivered, left_by};
use super::{Audit, follows_promises};

impl Audit<'_> {
    /// Which clocks there are after an event, which met the ticket in the status `before`.
    pub(super) fn stands(&mut self, event: &Event, before: Status) {
        let answers = self.awaited_answers();
        let active = self.status.is_active();
        let resolution = self.pending(Metric::Resolution);
        let brought_in_line = event.seq == 1 || !before.is_active() || follows_promises(event);
        let owes_answers = active && self.owes_answers(event);
        let owes_resolution = active && brought_in_line && self.promises.surely(Metric::Resolution, event.at);
        let stale = |(metric, clock): (&Metric, &Clock)| {
            clock.pending && !clock.breached && !self.promises.perhaps(*metric, Some(clock.target), event.at)
        };
        let mut wrong = Vec::new();
        if brought_in_line && self.clocks.iter().any(stale) {
            wrong.push("a clock keeps what is not promised any more");
        }
        if answers > 1 {
            wrong.push("two answers are awaited");
        }
        if resolution && !active {
            wrong.push("the resolution is awaited without work");
        }
        if owes_resolution && !resolution {
            wrong.push("work is done whose resolution is not awaited");
        }
        if !active && answers > 0 {
            wrong.push("an answer is awaited where nobody works");
        }
        if is_question(event, before) && owes_answers && answers == 0 {
            wrong.push("a question awaits no answer");
        } else if left_by(event).is_some() && self.pending(Metric::FirstResponse) {
            wrong.push("the first answer is awaited that was just given");
        } else if left_by(event).is_some() && owes_answers && answers == 0 {
            wrong.push("a question that an answer left waiting awaits none");
        } else if is_answer(event) && answers > 0 {
            wrong.push("an answer is awaited that was just given");
        } else if is_undelivered(event) && owes_answers && answers == 0 {
            wrong.push("an answer that did not arrive is not awaited");
        } else if follows_promises(event) && self.waiting.since.is_some() && owes_answers && answers == 0 {
            wrong.push("a question awaits no answer although one is promised now");
        }
        let runs = active && !self.status.pauses_sla();
        if self.clocks.values().any(|clock| clock.pending && clock.since.is_some() != runs) {
            wrong.push("a clock runs that should stand, or stands that should run");
        }
        for what in wrong {
            self.wrong(event, what);
        }
    }

    /// In the end every clock has the promise that the owner made last.
    pub(super) fn keeps_what_is_promised(&mut self) {
        if !self.status.is_active() {
            return;
        }
        for (metric, clock) in self.clocks.iter().filter(|(_, clock)| clock.pending && !clock.breached) {
            let latest = self.promises.latest(*metric);
            if latest != Some(clock.target) {
                self.broken
                    .push(format!("{metric:?} stands at {}, and {latest:?} is promised", clock.target));
            }
        }
        if self.promises.latest(Metric::Resolution).is_some() && !self.pending(Metric::Resolution) {
            self.broken.push("the resolution is promised and not awaited".to_owned());
        }
        let promised = [Metric::FirstResponse, Metric::NextResponse]
            .into_iter()
            .all(|metric| self.promises.latest(metric).is_some());
        if promised && self.waiting.since.is_some() && self.awaited_answers() == 0 {
            self.broken.push("an answer is promised to whom waits, and not awaited".to_owned());
        }
    }

    /// Whether each answer was promised for sure.
    fn owes_answers(&self, event: &Event) -> bool {
        [Metric::FirstResponse, Metric::NextResponse]
            .into_iter()
            .all(|metric| self.promises.surely(metric, event.at))
    }

    fn awaited_answers(&self) -> usize {
        [Metric::FirstResponse, Metric::NextResponse].into_iter().filter(|one| self.pending(*one)).count()
    }

    fn pending(&self, metric: Metric) -> bool {
        self.clocks.get(&metric).is_some_and(|clock| clock.pending)
    }
}
