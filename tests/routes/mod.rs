//! Routes: paths, methods, and requests that no route accepts.

mod article;
mod requests;
