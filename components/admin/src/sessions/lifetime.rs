//! How long a session lives. ASVS 5.0, 7.3: an idle limit and an absolute one.

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// Unused for so long, a session is over. Microseconds.
pub(crate) const IDLE: i64 = 30 * MINUTE;
/// Used or not, a session is over after so long. Microseconds.
pub(crate) const ABSOLUTE: i64 = 12 * 60 * MINUTE;
/// How long the first admin has for setting up. Microseconds.
pub(crate) const SETUP: i64 = 15 * MINUTE;
/// Use is noted down no more often than this, to spare a write for each request. Microseconds.
const NOTED_EVERY: i64 = MINUTE;

/// What to do with a session that a request came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is good.
    Good,
    /// It is good, and its use is to be noted down.
    GoodAndNote,
    /// It is over.
    Over,
}

/// Times are microseconds since the Unix epoch. `setup` is the session of a first admin who has no account yet.
/// `by_hand` is false for what a page asks for by itself: a dashboard left open keeps nobody signed in.
pub(crate) fn decide(created_at: i64, seen_at: i64, now: i64, setup: bool, by_hand: bool) -> Decision {
    let age = now.saturating_sub(created_at);
    let idle = now.saturating_sub(seen_at);
    let longest = if setup { SETUP } else { ABSOLUTE };
    match (age >= longest, idle >= IDLE, by_hand && idle >= NOTED_EVERY) {
        (true, _, _) | (_, true, _) => Decision::Over,
        (false, false, true) => Decision::GoodAndNote,
        (false, false, false) => Decision::Good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BORN: i64 = 1_700_000_000_000_000;

    #[test]
    fn a_session_ends_after_half_an_hour_without_use() {
        assert_eq!(decide(BORN, BORN, BORN + IDLE - 1, false, true), Decision::GoodAndNote);
        assert_eq!(decide(BORN, BORN, BORN + IDLE, false, true), Decision::Over);
    }

    #[test]
    fn a_session_ends_after_twelve_hours_however_much_it_is_used() {
        let end = BORN + ABSOLUTE;
        assert_eq!(decide(BORN, end - 2, end - 1, false, true), Decision::Good);
        assert_eq!(decide(BORN, end - 1, end, false, true), Decision::Over);
    }

    #[test]
    fn setting_up_must_be_done_in_a_quarter_of_an_hour() {
        assert_eq!(decide(BORN, BORN, BORN + SETUP - 1, true, false), Decision::Good);
        assert_eq!(decide(BORN, BORN + SETUP - 1, BORN + SETUP, true, true), Decision::Over);
    }

    #[test]
    fn use_is_noted_once_a_minute_and_only_when_it_was_by_hand() {
        assert_eq!(decide(BORN, BORN, BORN + MINUTE - 1, false, true), Decision::Good);
        assert_eq!(decide(BORN, BORN, BORN + MINUTE, false, true), Decision::GoodAndNote);
        assert_eq!(decide(BORN, BORN, BORN + MINUTE, false, false), Decision::Good);
    }

    #[test]
    fn a_clock_set_back_ends_no_session() {
        assert_eq!(decide(BORN, BORN, BORN - MINUTE, false, true), Decision::Good);
    }
}
