//! Where a container or an asset stands in its source.

use crate::model::Name;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// The path of a container or an asset: its segments from the outside in, in the case that the
/// source reports (`["shop", "public", "orders"]`). Any depth; the empty path is the source itself.
///
/// The path is an asset's identity. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(Arc<[Name]>);

impl Path {
    /// The path of the source itself: no segments.
    pub fn root() -> Self {
        Self(Arc::from([]))
    }

    /// A path of these segments.
    pub fn new<S: Into<Name>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }

    /// The path of something directly inside this one.
    #[must_use]
    pub fn child(&self, name: impl Into<Name>) -> Self {
        Self(self.0.iter().cloned().chain([name.into()]).collect())
    }

    /// The container around this one; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        self.container().map(|rest| Self(rest.into()))
    }

    /// The segments of the container around this one, where no path of its own is needed; `None` for the root.
    pub(crate) fn container(&self) -> Option<&[Name]> {
        self.0.split_last().map(|(_, rest)| rest)
    }

    /// The segments as a set can hold them that is asked by [`container`](Self::container).
    pub(crate) fn shared(&self) -> Arc<[Name]> {
        self.0.clone()
    }

    /// The last segment; `None` for the root.
    pub fn name(&self) -> Option<&str> {
        self.0.last().map(|segment| &**segment)
    }

    /// The segments from the outside in.
    pub fn segments(&self) -> &[Name] {
        &self.0
    }

    /// How many segments there are.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether `other` is this path or lies below it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Whether `other` lies directly inside this path.
    pub fn is_parent_of(&self, other: &Self) -> bool {
        other.container() == Some(&*self.0)
    }
}

/// The segments joined with dots, unescaped: for people, not for parsing.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            f.write_str(segment)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_inside_a_segment_is_not_a_separator() {
        let dotted = Path::new(["shop", "a.b"]);
        let nested = Path::new(["shop", "a", "b"]);
        assert_ne!(dotted, nested);
        assert_eq!(dotted.to_string(), nested.to_string());
        assert_eq!(serde_json::to_string(&dotted).unwrap(), r#"["shop","a.b"]"#);
    }

    #[test]
    fn parents_and_children() {
        let schema = Path::new(["shop", "public"]);
        let table = schema.child("orders");
        assert_eq!(table.parent(), Some(schema.clone()));
        assert!(schema.is_parent_of(&table) && schema.contains(&table) && schema.contains(&schema));
        assert!(!Path::new(["shop"]).is_parent_of(&table));
        assert!(Path::root().contains(&table));
        assert_eq!(Path::root().parent(), None);
    }
}
