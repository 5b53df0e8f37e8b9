//! The index from names to slots: a hash table with linear probing and cells of 4 bytes.
//!
//! One part of a hash is the position in the table, and another part is the tag that is compared. Tags and slot numbers are side by side,
//! so that a lookup reads one cache line. The names themselves are in the slots, and the caller compares them.

#[derive(Default)]
pub(super) struct Index {
    /// The number of cells is 0 or a power of two. At least a quarter of them is empty.
    cells: Vec<Cell>,
    used: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    /// Bits of the hash that aren't part of the position.
    tag: u16,
    slot: u16,
}

/// The slot number of empty cells.
const NONE: u16 = u16::MAX;
const EMPTY: Cell = Cell { tag: 0, slot: NONE };
const FEWEST: usize = 8;

impl Index {
    /// Finds the slot of a hash for which `is_it` returns true.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u16) -> bool) -> Option<u16> {
        let place = self.place(hash, is_it)?;
        self.cells.get(place).map(|cell| cell.slot)
    }

    /// Adds a slot. `hash_of` returns the hashes of the other slots.
    pub(super) fn insert(&mut self, hash: u64, slot: u16, hash_of: impl Fn(u16) -> u64) {
        if (self.used + 1) * 4 > self.cells.len() * 3 {
            self.resize((self.cells.len() * 2).max(FEWEST), hash_of);
        }
        self.put(hash, slot);
        self.used += 1;
    }

    /// Changes the number of a slot.
    pub(super) fn renumber(&mut self, hash: u64, from: u16, to: u16) {
        if let Some(cell) = self.place(hash, |slot| slot == from).and_then(|place| self.cells.get_mut(place)) {
            cell.slot = to;
        }
    }

    /// Removes a slot. `hash_of` returns the hashes of the other slots.
    pub(super) fn remove(&mut self, hash: u64, slot: u16, hash_of: impl Fn(u16) -> u64) {
        let Some(mut hole) = self.place(hash, |found| found == slot) else { return };
        self.used -= 1;
        // Later cells move into the hole, as a lookup ends there, unless their home is behind it.
        let mut place = hole;
        loop {
            place = self.next(place);
            let Some(cell) = self.cells.get(place).copied().filter(|cell| *cell != EMPTY) else { break };
            let behind = |from: usize| place.wrapping_sub(from) & self.mask();
            if behind(self.home(hash_of(cell.slot))) >= behind(hole) {
                self.set(hole, cell);
                hole = place;
            }
        }
        self.set(hole, EMPTY);
    }

    /// Shrinks the table to the size that a number of slots needs.
    pub(super) fn shrink_to(&mut self, slots: usize, hash_of: impl Fn(u16) -> u64) {
        let enough = (slots.max(self.used) * 4 / 3 + 1).next_power_of_two().max(FEWEST);
        if enough < self.cells.len() {
            self.resize(enough, hash_of);
        }
    }

    fn resize(&mut self, cells: usize, hash_of: impl Fn(u16) -> u64) {
        let before = std::mem::replace(&mut self.cells, vec![EMPTY; cells]);
        for cell in before.into_iter().filter(|cell| *cell != EMPTY) {
            self.put(hash_of(cell.slot), cell.slot);
        }
    }

    fn put(&mut self, hash: u64, slot: u16) {
        let mut place = self.home(hash);
        while self.cells.get(place).is_some_and(|cell| *cell != EMPTY) {
            place = self.next(place);
        }
        self.set(place, Cell { tag: tag(hash), slot });
    }

    fn place(&self, hash: u64, is_it: impl Fn(u16) -> bool) -> Option<usize> {
        let mut place = self.home(hash);
        loop {
            // A table without cells has no slot.
            let cell = *self.cells.get(place)?;
            if cell == EMPTY {
                return None;
            }
            if cell.tag == tag(hash) && is_it(cell.slot) {
                return Some(place);
            }
            place = self.next(place);
        }
    }

    fn set(&mut self, place: usize, cell: Cell) {
        if let Some(at) = self.cells.get_mut(place) {
            *at = cell;
        }
    }

    fn home(&self, hash: u64) -> usize {
        hash as usize & self.mask()
    }

    fn next(&self, place: usize) -> usize {
        (place + 1) & self.mask()
    }

    fn mask(&self) -> usize {
        self.cells.len().wrapping_sub(1)
    }
}

fn tag(hash: u64) -> u16 {
    (hash >> 48) as u16
}

#[cfg(test)]
impl Index {
    /// Asserts the invariants of an index of a number of slots.
    #[track_caller]
    pub(super) fn check(&self, slots: usize) {
        assert_eq!(self.used, slots, "each slot is here");
        assert_eq!(self.cells.iter().filter(|cell| **cell != EMPTY).count(), slots, "once");
        assert!(slots * 4 <= self.cells.len() * 3, "a search comes to its end");
    }
}
