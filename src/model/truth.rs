//! Three-valued logic (Kleene's), over what is still open: the set of outcomes that a condition can have.

use std::ops::BitOr;

/// Some of *true*, *false* and *unknown*. What is decided has one of them; what waits for the body may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truths(u8);

impl Truths {
    pub(crate) const TRUE: Self = Self(1);
    pub(crate) const FALSE: Self = Self(2);
    pub(crate) const UNKNOWN: Self = Self(4);
    pub(crate) const ANY: Self = Self(7);

    pub(crate) fn of(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }

    /// True if this outcome is among them.
    pub(crate) fn may(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    pub(crate) fn not(self) -> Self {
        let Self(bits) = self;
        Self((bits & 1) << 1 | (bits & 2) >> 1 | bits & 4)
    }

    /// *False* wins, then *unknown*.
    pub(crate) fn and(self, other: Self) -> Self {
        let mut both = Self(0);
        if self.may(Self::TRUE) && other.may(Self::TRUE) {
            both = both | Self::TRUE;
        }
        if self.may(Self::FALSE) || other.may(Self::FALSE) {
            both = both | Self::FALSE;
        }
        let open =
            |one: Self, other: Self| one.may(Self::UNKNOWN) && (other.may(Self::TRUE) || other.may(Self::UNKNOWN));
        if open(self, other) || open(other, self) {
            both = both | Self::UNKNOWN;
        }
        both
    }

    /// *True* wins, then *unknown*.
    pub(crate) fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

impl BitOr for Truths {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [Truths; 3] = [Truths::TRUE, Truths::FALSE, Truths::UNKNOWN];

    /// Kleene's tables, written out.
    fn and(one: Truths, other: Truths) -> Truths {
        match (one, other) {
            (Truths::FALSE, _) | (_, Truths::FALSE) => Truths::FALSE,
            (Truths::TRUE, Truths::TRUE) => Truths::TRUE,
            _ => Truths::UNKNOWN,
        }
    }

    #[test]
    fn sets_hold_what_their_members_give() {
        for one in (1..8).map(Truths) {
            for other in (1..8).map(Truths) {
                let mut expected = Truths(0);
                for a in ONE.into_iter().filter(|a| one.may(*a)) {
                    for b in ONE.into_iter().filter(|b| other.may(*b)) {
                        expected = expected | and(a, b);
                    }
                }
                assert_eq!(one.and(other), expected, "{one:?} and {other:?}");
                assert_eq!(one.or(other), one.not().and(other.not()).not());
            }
        }
        assert_eq!(ONE.map(Truths::not), [Truths::FALSE, Truths::TRUE, Truths::UNKNOWN]);
        assert_eq!(Truths::TRUE.or(Truths::UNKNOWN), Truths::TRUE);
        assert_eq!(Truths::FALSE.or(Truths::UNKNOWN), Truths::UNKNOWN);
    }
}
