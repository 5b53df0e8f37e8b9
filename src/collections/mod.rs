//! Collections that know nothing of policies: tables and ids, sets of rows, interned names.

pub(crate) mod id_set;
pub(crate) mod names;
pub(crate) mod row_set;
pub(crate) mod table;
pub(crate) mod words;
