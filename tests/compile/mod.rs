//! Compiling: large policies, the order of declarations, drawings of the graph, and the examples of the pages.

mod examples;
mod graph;
mod large;
mod order;
