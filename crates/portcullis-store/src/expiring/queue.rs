//! The priority queue of expiries: a heap with one entry a slot and the position of each slot's entry.
//!
//! Slots are numbered from 0 without a gap, and [`Queue::push`] and [`Queue::swap_remove`] renumber them in the same way as a vector.
//! The time in the queue may be earlier than the slot's expiry, and never later. It is corrected when the slot becomes the first one.
//! A value whose expiry is extended all the time costs nothing here until then.

/// The number of children of an entry. With 4, the children are in one cache line, and there are half as many levels as with 2.
const WIDTH: usize = 4;

#[derive(Default)]
pub(super) struct Queue {
    heap: Vec<Entry>,
    /// The position of each slot's entry in the heap.
    places: Vec<u16>,
}

/// Packed into 10 bytes, as there is one entry a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(2))]
pub(super) struct Entry {
    /// A time that isn't later than the slot's expiry.
    pub(super) due: i64,
    pub(super) slot: u16,
}

impl Queue {
    /// The entry with the earliest time.
    pub(super) fn first(&self) -> Option<Entry> {
        self.heap.first().copied()
    }

    /// The time of a slot in the queue.
    pub(super) fn due(&self, slot: u16) -> Option<i64> {
        let place = self.places.get(slot as usize)?;
        self.heap.get(*place as usize).map(|entry| entry.due)
    }

    /// Adds the next slot.
    pub(super) fn push(&mut self, due: i64) {
        let slot = self.places.len() as u16;
        self.places.push(slot);
        self.heap.push(Entry { due, slot });
        self.rise(slot as usize);
    }

    /// Changes the time of a slot.
    pub(super) fn set(&mut self, slot: u16, due: i64) {
        let Some(place) = self.places.get(slot as usize).map(|place| *place as usize) else { return };
        if let Some(entry) = self.heap.get_mut(place) {
            entry.due = due;
        }
        self.settle(place);
    }

    /// Removes a slot. The last slot takes its number.
    pub(super) fn swap_remove(&mut self, slot: u16) {
        if slot as usize >= self.places.len() {
            return;
        }
        let place = self.places.swap_remove(slot as usize) as usize;
        if let Some(renumbered) = self.places.get(slot as usize)
            && let Some(entry) = self.heap.get_mut(*renumbered as usize)
        {
            entry.slot = slot;
        }
        if place < self.heap.len() {
            self.heap.swap_remove(place);
            self.settle(place);
        }
    }

    pub(super) fn reserve_exact(&mut self, additional: usize) {
        self.heap.reserve_exact(additional);
        self.places.reserve_exact(additional);
    }

    pub(super) fn shrink_to(&mut self, capacity: usize) {
        self.heap.shrink_to(capacity);
        self.places.shrink_to(capacity);
    }

    /// Restores the heap's order after a change at a place.
    fn settle(&mut self, place: usize) {
        let place = self.rise(place);
        self.sink(place);
    }

    fn rise(&mut self, mut place: usize) -> usize {
        let Some(entry) = self.heap.get(place).copied() else { return place };
        while let Some(above) = place.checked_sub(1).map(|before| before / WIDTH)
            && let Some(parent) = self.heap.get(above).copied()
            && parent.due > entry.due
        {
            self.put(place, parent);
            place = above;
        }
        self.put(place, entry);
        place
    }

    fn sink(&mut self, mut place: usize) {
        let Some(entry) = self.heap.get(place).copied() else { return };
        while let Some((below, child)) = self.first_below(place)
            && child.due < entry.due
        {
            self.put(place, child);
            place = below;
        }
        self.put(place, entry);
    }

    /// The earliest child of an entry.
    fn first_below(&self, place: usize) -> Option<(usize, Entry)> {
        let begin = place * WIDTH + 1;
        let end = (begin + WIDTH).min(self.heap.len());
        let below = self.heap.get(begin..end)?.iter().copied();
        (begin..).zip(below).min_by_key(|(_, entry)| entry.due)
    }

    fn put(&mut self, place: usize, entry: Entry) {
        if let Some(at) = self.heap.get_mut(place) {
            *at = entry;
        }
        if let Some(at) = self.places.get_mut(entry.slot as usize) {
            *at = place as u16;
        }
    }
}

#[cfg(test)]
impl Queue {
    /// Asserts the invariants.
    #[track_caller]
    pub(super) fn check(&self) {
        assert_eq!(self.heap.len(), self.places.len(), "an entry a slot");
        for (place, entry) in self.heap.iter().enumerate() {
            let Entry { due, slot } = *entry;
            assert_eq!(self.places.get(slot as usize), Some(&(place as u16)), "the slot knows its entry");
            let above = place.checked_sub(1).and_then(|before| self.heap.get(before / WIDTH));
            assert!(above.is_none_or(|above| { above.due } <= due), "what is due first is above");
        }
    }
}
