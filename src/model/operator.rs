//! The operators that take two values, with their texts and precedences. `values::operators` types and runs them.

/// The precedences of operators, from the loosest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// Gives a `bool`. Comparisons don't chain.
    Comparison,
    /// Chains from the left.
    Sum,
}

macro_rules! operators {
    ($($name:ident $text:literal $precedence:ident)*) => {
        /// An operator that takes two values.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operator {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl Operator {
            /// All operators.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The operator as policies write it.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub(crate) const fn precedence(self) -> Precedence {
                match self {
                    $(Self::$name => Precedence::$precedence,)*
                }
            }
        }
    };
}

operators! {
    Equal "==" Comparison
    NotEqual "!=" Comparison
    Less "<" Comparison
    LessOrEqual "<=" Comparison
    Greater ">" Comparison
    GreaterOrEqual ">=" Comparison
    In "in" Comparison
    Contains "contains" Comparison
    ContainsAll "contains_all" Comparison
    Intersects "intersects" Comparison
    StartsWith "starts_with" Comparison
    EndsWith "ends_with" Comparison
    Add "+" Sum
    Subtract "-" Sum
}

impl Operator {
    /// The operator that is written like this.
    pub fn of_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operator| operator.text() == text)
    }
}
