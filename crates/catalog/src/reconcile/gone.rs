//! Whether a namespace that is no longer listed is gone.

use headwater_core::{Container, Listing, Path};
use std::collections::HashMap;

/// The containers that a discovery found.
#[derive(Debug)]
pub(crate) struct Containers<'a>(HashMap<&'a Path, &'a Container>);

impl<'a> Containers<'a> {
    pub(crate) fn new(containers: &'a [Container]) -> Self {
        Self(containers.iter().map(|one| (&one.path, one)).collect())
    }

    /// The container at a path.
    pub(crate) fn get(&self, path: &Path) -> Option<&'a Container> {
        self.0.get(path).copied()
    }

    /// The nearest container at or around a path.
    pub(crate) fn nearest(&self, path: &Path) -> Option<&'a Container> {
        ancestry(path).find_map(|path| self.get(&path))
    }

    /// The container around a namespace that was skipped, if one was.
    pub(crate) fn skipped(&self, namespace: &Path) -> Option<Path> {
        let around = self.nearest(namespace)?;
        matches!(around.children, Listing::Skipped(_)).then(|| around.path.clone())
    }

    /// Whether a namespace is gone: the container around the outermost missing one was listed completely.
    /// One that is listed is not gone, and of one below an incomplete list nothing is known.
    pub(crate) fn is_gone(&self, namespace: &Path) -> bool {
        if self.get(namespace).is_some() {
            return false;
        }
        let around = self.nearest(namespace);
        around.is_some_and(|container| container.children == Listing::Complete)
    }
}

/// A path, and each around it, from the inside out.
pub(crate) fn ancestry(path: &Path) -> impl Iterator<Item = Path> {
    std::iter::successors(Some(path.clone()), Path::parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Visibility;

    fn container(path: &[&str], children: Listing) -> Container {
        Container {
            path: Path::new(path.iter().copied()),
            children,
            visibility: Visibility::Everyone,
        }
    }

    fn is_gone(containers: &[Container], namespace: [&str; 2]) -> bool {
        Containers::new(containers).is_gone(&Path::new(namespace))
    }

    #[test]
    fn a_listed_namespace_is_not_gone() {
        let containers = [
            container(&["shop"], Listing::Complete),
            container(&["shop", "public"], Listing::Complete),
        ];
        assert!(!is_gone(&containers, ["shop", "public"]));
        assert!(is_gone(&containers, ["shop", "audit"]));
    }

    #[test]
    fn below_an_incomplete_list_nothing_is_gone() {
        let refused = Listing::partial("permission_denied", "no");
        let containers = [
            container(&[], Listing::Complete),
            container(&["shop"], refused.clone()),
        ];
        assert!(!is_gone(&containers, ["shop", "public"]));
        assert!(
            is_gone(&containers, ["other", "public"]),
            "its database is not listed"
        );
        assert!(!is_gone(&[container(&[], refused)], ["shop", "public"]));
    }

    #[test]
    fn without_any_container_around_it_nothing_is_known() {
        assert!(!is_gone(
            &[container(&["shop"], Listing::Complete)],
            ["other", "public"]
        ));
        assert!(!is_gone(&[], ["shop", "public"]));
    }
}
