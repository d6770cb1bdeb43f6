//! How far something is, on standard error: one line that is written anew on a terminal, now and then a line elsewhere.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

use crate::control::commands::ProgressInfo;

/// How long it is at least from one line to the next where there is no terminal.
const PAUSE: Duration = Duration::from_secs(5);

/// What a line of a terminal holds at least, in characters.
const WIDTH: usize = 79;

/// Shows progress.
pub(super) struct Progress {
    place: Place,
    shown: Option<Instant>,
    last: Option<ProgressInfo>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Terminal,
    Lines,
    Nowhere,
}

impl Progress {
    /// Nothing is shown yet; and nothing will be if it is to be `quiet`.
    pub(super) fn new(quiet: bool) -> Self {
        let place = match (quiet, stderr().is_terminal()) {
            (true, _) => Place::Nowhere,
            (false, true) => Place::Terminal,
            (false, false) => Place::Lines,
        };
        Self { place, shown: None, last: None }
    }

    /// Shows how far it is.
    pub(super) fn show(&mut self, progress: &ProgressInfo) {
        match self.place {
            Place::Nowhere => {}
            Place::Terminal => {
                let text: String = text(progress).chars().take(WIDTH).collect();
                write(&format!("\r\x1b[2K{text}"));
                self.shown = Some(Instant::now());
            }
            Place::Lines if self.shown.is_some_and(|shown| shown.elapsed() < PAUSE) => {}
            Place::Lines => self.line(progress),
        }
    }

    /// Shows how far it was in the end, to stay there.
    pub(super) fn end(&mut self, progress: &ProgressInfo) {
        match self.place {
            Place::Nowhere => {}
            Place::Terminal => {
                self.clear();
                write(&format!("{}\n", text(progress)));
            }
            Place::Lines if self.last.as_ref() == Some(progress) => {}
            Place::Lines => self.line(progress),
        }
    }

    /// Takes away what a terminal shows, before something else is written.
    pub(super) fn clear(&mut self) {
        if self.place == Place::Terminal && self.shown.take().is_some() {
            write("\r\x1b[2K");
        }
    }

    fn line(&mut self, progress: &ProgressInfo) {
        write(&format!("{}\n", text(progress)));
        self.shown = Some(Instant::now());
        self.last = Some(progress.clone());
    }
}

/// Where standard error is closed, nobody wants to know.
fn write(text: &str) {
    let mut stderr = stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

/// A component's words, without what would control a terminal.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `3 of 12 (25 %): things`.
fn text(progress: &ProgressInfo) -> String {
    let ProgressInfo { done, total, message } = progress;
    let far = match total {
        Some(total) if *total > 0 => {
            let percent = u128::from(*done) * 100 / u128::from(*total);
            format!("{done} of {total} ({percent} %)")
        }
        _ => done.to_string(),
    };
    let message = harmless(message);
    if message.is_empty() { far } else { format!("{far}: {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_words() {
        let told = |done, total, message: &str| text(&ProgressInfo { done, total, message: message.to_owned() });
        assert_eq!(told(3, Some(12), "things"), "3 of 12 (25 %): things");
        assert_eq!(told(3, None, ""), "3");
        assert_eq!(told(0, Some(0), "things"), "0: things");
        assert_eq!(told(u64::MAX, Some(u64::MAX), ""), format!("{0} of {0} (100 %)", u64::MAX));
        assert_eq!(told(1, None, "a\x1b[31m\nb"), "1: a [31m b");
    }
}
