//! Chance that can be repeated.

/// A stream of numbers that depends on its seed only (splitmix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// This many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(count + 8);
        while out.len() < count {
            out.extend(self.number().to_le_bytes());
        }
        out.truncate(count);
        out
    }
}

/// The seed of a test: `PAIL_SEED` if it is set, else this one.
pub fn seed(usual: u64) -> u64 {
    variable("PAIL_SEED", usual)
}

/// How often a random test runs: `PAIL_ROUNDS` if it is set, else this often.
pub fn rounds(usual: u64) -> u64 {
    variable("PAIL_ROUNDS", usual)
}

/// How much a test of large transfers moves, in MiB: `PAIL_MIB` if it is set, else this much.
pub fn mebibytes(usual: u64) -> u64 {
    variable("PAIL_MIB", usual)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a test is told its seed"
)]
fn variable(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => usual,
    }
}
