//! Waiting for a condition, with a limit: what tests do in the place of sleeping.

use std::time::{Duration, Instant};

/// How long to wait between two looks at most.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Waits until `condition` gives a value, and returns it; `None` when `limit` is over.
///
/// Looks at once, then again and again, more rarely as time goes by, and a last time
/// when the limit is over.
pub fn wait_until<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Waits until `condition` holds; panics with `what` when `limit` is over.
#[track_caller]
pub fn wait_for(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let holds = wait_until(limit, || condition().then_some(()));
    assert!(holds.is_some(), "waited {limit:?} in vain for: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_first_value() {
        let mut looks = 0;
        let value = wait_until(Duration::from_secs(10), || {
            looks += 1;
            (looks == 4).then_some("here")
        });
        assert_eq!((value, looks), (Some("here"), 4));
    }

    #[test]
    fn looks_once_even_without_time() {
        let mut looks = 0;
        assert_eq!(
            wait_until(Duration::ZERO, || -> Option<()> {
                looks += 1;
                None
            }),
            None
        );
        assert_eq!(looks, 1);
    }

    #[test]
    #[should_panic(expected = "waited 5ms in vain for: the moon")]
    fn says_what_it_waited_for() {
        wait_for("the moon", Duration::from_millis(5), || false);
    }
}
