//! SHA-256, for comparing media objects with what another program says of them.

/// The constants are the fractions of square and cube roots of the first primes.
fn fraction_of_root(prime: u32, cube: bool) -> u32 {
    // The largest x with x^2 (or x^3) <= prime * 2^64 (or 2^96), which is the root times 2^32.
    let power = |x: u128| if cube { x.checked_pow(3) } else { x.checked_pow(2) };
    let limit = u128::from(prime) << if cube { 96 } else { 64 };
    let (mut low, mut high) = (0u128, 1u128 << 42);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if power(middle).is_some_and(|value| value <= limit) { low = middle } else { high = middle }
    }
    u32::try_from(low & 0xffff_ffff).unwrap()
}

fn primes() -> impl Iterator<Item = u32> {
    (2u32..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
}

/// Hashes byte strings.
pub(crate) struct Sha256 {
    start: [u32; 8],
    rounds: [u32; 64],
}

impl Sha256 {
    pub(crate) fn new() -> Self {
        let mut hash = Self { start: [0; 8], rounds: [0; 64] };
        hash.start.iter_mut().zip(primes()).for_each(|(slot, p)| *slot = fraction_of_root(p, false));
        hash.rounds.iter_mut().zip(primes()).for_each(|(slot, p)| *slot = fraction_of_root(p, true));
        hash
    }

    pub(crate) fn hex(&self, bytes: &[u8]) -> String {
        let mut padded = bytes.to_vec();
        padded.push(0x80);
        padded.resize(padded.len().next_multiple_of(64), 0);
        if padded.len() - bytes.len() < 9 {
            padded.resize(padded.len() + 64, 0);
        }
        let at = padded.len() - 8;
        padded[at..].copy_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
        let mut state = self.start;
        for block in padded.chunks_exact(64) {
            self.block(&mut state, block);
        }
        state.iter().map(|word| format!("{word:08x}")).collect()
    }

    fn block(&self, state: &mut [u32; 8], block: &[u8]) {
        let mut words = [0u32; 64];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().unwrap());
        }
        for n in 16..64 {
            let (a, b) = (words[n - 15], words[n - 2]);
            let a = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let b = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            words[n] = words[n - 16].wrapping_add(a).wrapping_add(words[n - 7]).wrapping_add(b);
        }
        let mut turn = *state;
        for (word, constant) in words.iter().zip(self.rounds) {
            let [a, b, c, d, e, f, g, h] = turn;
            let first = h
                .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
                .wrapping_add((e & f) ^ (!e & g))
                .wrapping_add(constant)
                .wrapping_add(*word);
            let second = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
                .wrapping_add((a & b) ^ (a & c) ^ (b & c));
            turn = [first.wrapping_add(second), a, b, c, d.wrapping_add(first), e, f, g];
        }
        for (slot, value) in state.iter_mut().zip(turn) {
            *slot = slot.wrapping_add(value);
        }
    }
}
