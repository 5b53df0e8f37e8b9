#![doc = "Portcullis."]
#![forbid(unsafe_code)]
mod model;
pub mod syntax;
