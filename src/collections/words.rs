//! Bits in words of 32: bit `row % 32` of word `row / 32`.

pub(crate) fn has_bit(words: &[u32], row: u32) -> bool {
    words.get(row as usize / 32).is_some_and(|word| word & (1 << (row % 32)) != 0)
}

/// Sets the bits from `first` to `last`.
pub(crate) fn fill(words: &mut [u32], first: u32, last: u32) {
    each_word(words, first, last, |word, bits| *word |= bits);
}

/// Clears the bits from `first` to `last`.
pub(crate) fn clear(words: &mut [u32], first: u32, last: u32) {
    each_word(words, first, last, |word, bits| *word &= !bits);
}

fn each_word(words: &mut [u32], first: u32, last: u32, change: impl Fn(&mut u32, u32)) {
    let (from, to) = ((first / 32) as usize, (last / 32) as usize);
    for (at, word) in words.iter_mut().enumerate().take(to + 1).skip(from) {
        let low = if at == from { u32::MAX << (first % 32) } else { u32::MAX };
        let high = if at == to { u32::MAX >> (31 - last % 32) } else { u32::MAX };
        change(word, low & high);
    }
}

/// Visits the ranges of set bits, first and last row each. The first bit is that of the row `base`.
pub(crate) fn each_run(base: u32, words: &[u32], mut visit: impl FnMut(u32, u32)) {
    let mut open: Option<u32> = None;
    let mut row = base;
    for word in words {
        if !matches!((*word, open), (0, None) | (u32::MAX, Some(_))) {
            let mut at = 0;
            while at < 32 {
                let rest = word >> at;
                if open.is_none() {
                    at += rest.trailing_zeros().min(32 - at);
                    open = (at < 32).then_some(row + at);
                } else {
                    at += rest.trailing_ones().min(32 - at);
                    if at < 32 {
                        open.take().into_iter().for_each(|first| visit(first, row + at - 1));
                    }
                }
            }
        }
        row += 32;
    }
    open.into_iter().for_each(|first| visit(first, row - 1));
}
