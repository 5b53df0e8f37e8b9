//! Collections without meaning of their own: tables and ids, sets of rows, interned names.

pub(crate) mod bit_set;
pub(crate) mod id_set;
pub(crate) mod names;
pub(crate) mod sorted_rows;
pub(crate) mod table;
