//! Where all that is told of a project's nodes stands.

use crate::{identity, spool::Slot};
use headwater_core::Path;
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// The records of each `unique_id`. One copy of each id is kept, whichever artifacts tell of it.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// In the order in which the ids were met.
    nodes: IndexMap<Box<str>, Entry>,
    /// The places of the products among them, in the order of the manifest.
    products: Vec<usize>,
    /// Tests by the place of what they test.
    tests: Vec<(usize, Slot)>,
}

/// The records of one id.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    /// Only products have one.
    pub(crate) node: Option<Slot>,
    pub(crate) catalog: Option<Slot>,
    /// Where its tests stand among all, once all are there.
    tests: (usize, usize),
}

impl Index {
    /// The place of an id, new or not.
    pub(crate) fn place(&mut self, id: &str) -> usize {
        let known = self.nodes.get_index_of(id);
        known.unwrap_or_else(|| self.nodes.insert_full(id.into(), Entry::default()).0)
    }

    pub(crate) fn set_node(&mut self, id: &str, slot: Slot) {
        let place = self.place(id);
        if let Some((_, entry)) = self.nodes.get_index_mut(place)
            && entry.node.replace(slot).is_none()
        {
            self.products.push(place);
        }
    }

    pub(crate) fn set_catalog(&mut self, id: &str, slot: Slot) {
        let place = self.place(id);
        if let Some((_, entry)) = self.nodes.get_index_mut(place) {
            entry.catalog = Some(slot);
        }
    }

    /// Adds a test of what has this place.
    pub(crate) fn add_test(&mut self, tested: usize, slot: Slot) {
        self.tests.push((tested, slot));
    }

    /// Makes tests be found by what they test, once all are there.
    pub(crate) fn finish(&mut self) {
        self.tests.sort_unstable();
        let mut begin = 0;
        for own in self.tests.chunk_by(|(a, _), (b, _)| a == b) {
            let end = begin + own.len();
            let tested = own
                .first()
                .and_then(|(place, _)| self.nodes.get_index_mut(*place));
            if let Some((_, entry)) = tested {
                entry.tests = (begin, end);
            }
            begin = end;
        }
    }

    /// How many products there are.
    pub(crate) fn len(&self) -> usize {
        self.products.len()
    }

    /// The products with their places, in the order of the manifest.
    pub(crate) fn products(&self) -> impl Iterator<Item = (usize, &str)> {
        let places = self.products.iter();
        places.filter_map(|place| Some((*place, &**self.nodes.get_index(*place)?.0)))
    }

    /// The namespaces that hold products.
    pub(crate) fn namespaces(&self) -> BTreeSet<Path> {
        identity::namespaces(self.products().map(|(_, id)| id))
    }

    pub(crate) fn is_product(&self, id: &str) -> bool {
        self.nodes.get(id).is_some_and(|entry| entry.node.is_some())
    }

    /// What stands at a place.
    pub(crate) fn entry(&self, place: usize) -> Entry {
        let entry = self.nodes.get_index(place).map(|(_, entry)| *entry);
        entry.unwrap_or_default()
    }

    /// The tests of what has this place.
    pub(crate) fn tests(&self, place: usize) -> impl Iterator<Item = Slot> {
        let (begin, end) = self.entry(place).tests;
        let own = self.tests.get(begin..end).unwrap_or_default();
        own.iter().map(|(_, slot)| *slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::SpoolWriter;

    #[test]
    fn each_id_is_kept_once_and_products_stand_as_in_the_manifest() {
        let mut spool = SpoolWriter::new(None).unwrap();
        let [a, b, c, d] = [1, 2, 3, 4].map(|record| spool.append(&record).unwrap());
        let mut index = Index::default();
        let (late, early) = ("model.shop.late", "model.shop.early");
        index.set_catalog(late, a);
        index.set_catalog("model.shop.gone", a);
        let tested = index.place(early);
        index.add_test(tested, d);
        index.set_node(early, b);
        index.set_node(late, c);
        index.set_node(early, d);
        let of_late = index.place(late);
        index.add_test(of_late, c);
        index.add_test(tested, a);
        index.finish();

        assert_eq!(
            index.products().collect::<Vec<_>>(),
            [(tested, early), (of_late, late)]
        );
        assert_eq!(
            (index.entry(tested).node, index.entry(tested).catalog),
            (Some(d), None)
        );
        assert_eq!(
            (index.entry(of_late).node, index.entry(of_late).catalog),
            (Some(c), Some(a))
        );
        assert_eq!(index.tests(tested).collect::<Vec<_>>(), [a, d]);
        assert_eq!(index.tests(of_late).collect::<Vec<_>>(), [c]);
        assert!(index.is_product(late) && !index.is_product("model.shop.gone"));
        assert_eq!(index.namespaces().len(), 1);
    }
}
