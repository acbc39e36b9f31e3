//! Random numbers that are the same on every platform.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// So many numbers are made at once: what the generator of numbers makes itself at a time.
const BLOCK: usize = 64;

#[derive(Debug)]
pub(super) struct Chance {
    numbers: ChaCha8Rng,
    /// Numbers that were made and not asked for yet, from `next` on. A life asks for a dozen for each hook.
    block: [u32; BLOCK],
    next: usize,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self { numbers: ChaCha8Rng::seed_from_u64(seed), block: [0; BLOCK], next: BLOCK }
    }

    #[inline]
    pub(super) fn number(&mut self) -> u32 {
        if self.next == BLOCK {
            self.make();
        }
        let number = self.block[self.next];
        self.next += 1;
        number
    }

    #[cold]
    fn make(&mut self) {
        let mut bytes = [0; BLOCK * size_of::<u32>()];
        self.numbers.fill_bytes(&mut bytes);
        let (numbers, _) = bytes.as_chunks();
        for (place, number) in self.block.iter_mut().zip(numbers) {
            *place = u32::from_le_bytes(*number);
        }
        self.next = 0;
    }

    /// Returns a number below `end`, or 0 if `end` is 0.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        ((u64::from(self.number()) * u64::from(end)) >> 32) as u32
    }

    /// Whether something happens that does in so many of a thousand cases.
    pub(super) fn happens(&mut self, in_thousand: u32) -> bool {
        self.below(1000) < in_thousand
    }

    /// Returns one of the options, which are as likely as each other.
    pub(super) fn one_of<I: IntoIterator>(&mut self, options: I) -> Option<I::Item>
    where
        I::IntoIter: Clone,
    {
        let mut options = options.into_iter();
        let count = options.clone().count();
        let index = self.below(u32::try_from(count).unwrap_or(u32::MAX));
        options.nth(index as usize)
    }
}
