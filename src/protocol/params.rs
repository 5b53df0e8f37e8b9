//! The values of a route's path parameters: slices of the decoded path.

use std::borrow::Cow;
use std::fmt;

/// A parameter of a route's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// The index of its segment.
    pub(crate) segment: usize,
    /// True if it matches all segments that follow, too.
    pub(crate) rest: bool,
}

/// Path parameters by name, decoded.
#[derive(Clone, Default)]
pub struct Params<'g, 'r> {
    parameters: &'g [Parameter],
    /// Decoded; no segment contains a slash, not even an escaped one.
    path: Cow<'r, str>,
}

impl<'g> Params<'g, '_> {
    /// Returns the value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|parameter| parameter.name == name).map(|parameter| self.value(parameter))
    }

    /// Returns all parameters, in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&'g str, &str)> {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), self.value(parameter)))
    }

    /// True if the route has no parameters.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    fn value(&self, parameter: &Parameter) -> &str {
        let mut rest = self.path.strip_prefix('/').unwrap_or(&self.path);
        for _ in 0..parameter.segment {
            rest = rest.split_once('/').map_or("", |(_, rest)| rest);
        }
        if parameter.rest { rest } else { rest.split_once('/').map_or(rest, |(first, _)| first) }
    }

    pub(crate) fn into_owned(self) -> Params<'g, 'static> {
        Params { parameters: self.parameters, path: Cow::Owned(self.path.into_owned()) }
    }
}

impl<'g, 'r> Params<'g, 'r> {
    /// The parameters of a route that matches a path.
    pub(crate) fn new(parameters: &'g [Parameter], path: Cow<'r, str>) -> Self {
        if parameters.is_empty() { Self::default() } else { Self { parameters, path } }
    }
}

impl PartialEq for Params<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Params<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
