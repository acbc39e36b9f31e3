//! Work that is done by several threads and handed over in its order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does pieces 0 to `count` on `jobs` threads, each with a tool of its own from `tools`, and
/// returns the results in their order, up to the first that was not done. `watch` is told how
/// many are done, and says whether to stop.
pub(super) fn in_order<R: Send, T: Send>(
    tools: &Mutex<Vec<R>>,
    jobs: usize,
    count: u64,
    watch: &(dyn Fn(u64) -> bool + Sync),
    work: &(dyn Fn(&mut R, u64) -> T + Sync),
) -> Vec<T> {
    let next = AtomicU64::new(0);
    let done: Mutex<BTreeMap<u64, T>> = Mutex::new(BTreeMap::new());
    let lock = || done.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                let Some(mut tool) = tools.lock().unwrap_or_else(PoisonError::into_inner).pop() else {
                    return;
                };
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let so_far = lock().len() as u64;
                    if number >= count || watch(so_far) {
                        break;
                    }
                    let result = work(&mut tool, number);
                    lock().insert(number, result);
                }
                tools.lock().unwrap_or_else(PoisonError::into_inner).push(tool);
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    (0..)
        .zip(done)
        .take_while(|(place, (number, _))| place == number)
        .map(|(_, (_, result))| result)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_their_order_whoever_is_first() {
        let tools = Mutex::new(vec![(), ()]);
        let results = in_order(&tools, 2, 50, &|_| false, &|(), number| {
            std::thread::sleep(std::time::Duration::from_micros(50 * (50 - number)));
            number
        });
        assert_eq!(results, (0..50).collect::<Vec<_>>());
        assert_eq!(tools.into_inner().unwrap().len(), 2);
    }

    #[test]
    fn what_comes_after_a_gap_is_dropped() {
        let tools = Mutex::new(vec![()]);
        let results = in_order(&tools, 1, 50, &|done| done >= 3, &|(), number| number);
        assert_eq!(results, vec![0, 1, 2]);
    }
}
