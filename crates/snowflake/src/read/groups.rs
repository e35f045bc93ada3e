//! The rows that belong to one table, out of a result that has those of all tables.
//!
//! Tables and columns are asked for in the same order, so that the rows of a table are found by reading on, and only
//! those of one table are held. That is a matter of memory: in whatever order the rows arrive, each finds its table.
//! How many rows a table has is said by the rows themselves.

use headwater_core::Result;
use std::collections::{HashMap, HashSet};

/// Schema and table.
pub(crate) type Key = (String, String);

/// Rows with what they belong to, one after the other.
pub(crate) trait Source {
    /// What a row becomes.
    type Item;

    /// The next row: its table, how many rows that has, and what it says.
    async fn next(&mut self) -> Result<Option<(Key, usize, Self::Item)>>;
}

/// What is known of the rows of a table so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// All of them.
    All(Vec<T>),
    /// Those that come later, if any: ask again at the end.
    Later,
    /// There are none.
    None,
}

/// A source whose rows are taken by table.
#[derive(Debug)]
pub(crate) struct Groups<S: Source> {
    pub(crate) source: S,
    aside: HashMap<Key, (usize, Vec<S::Item>)>,
    /// What nobody will ask for.
    dropped: HashSet<Key>,
    last: Option<Key>,
    ordered: bool,
    ended: bool,
}

impl<S: Source> Groups<S> {
    pub(crate) fn new(source: S) -> Self {
        Self {
            source,
            aside: HashMap::new(),
            dropped: HashSet::new(),
            last: None,
            ordered: true,
            ended: false,
        }
    }

    /// The rows of a table. Reads no further than it must.
    pub(crate) async fn take(&mut self, key: &Key) -> Result<Found<S::Item>> {
        loop {
            let all = self
                .aside
                .get(key)
                .is_some_and(|(count, rows)| self.ended || rows.len() >= *count);
            if all {
                let rows = self.aside.remove(key).map(|(_, rows)| rows);
                return Ok(Found::All(rows.unwrap_or_default()));
            }
            if self.ended {
                return Ok(Found::None);
            }
            if self.ordered && self.last.as_ref().is_some_and(|last| last > key) {
                return Ok(Found::Later);
            }
            self.pull().await?;
        }
    }

    /// Says that nobody will ask for the rows of this table.
    pub(crate) fn drop_group(&mut self, key: Key) {
        self.aside.remove(&key);
        if !self.ended {
            self.dropped.insert(key);
        }
    }

    /// Reads to the end, for the tables whose rows come later.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        while !self.ended {
            self.pull().await?;
        }
        Ok(())
    }

    async fn pull(&mut self) -> Result<()> {
        let Some((key, count, item)) = self.source.next().await? else {
            self.ended = true;
            return Ok(());
        };
        self.ordered &= self.last.as_ref().is_none_or(|last| *last <= key);
        self.last = Some(key.clone());
        if self.dropped.contains(&key) {
            return Ok(());
        }
        let group = self.aside.entry(key).or_insert_with(|| (count, Vec::new()));
        group.1.push(item);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scripted(std::vec::IntoIter<(&'static str, usize, u32)>);

    impl Source for Scripted {
        type Item = u32;

        async fn next(&mut self) -> Result<Option<(Key, usize, u32)>> {
            let row = self.0.next();
            Ok(row.map(|(table, count, item)| (key(table), count, item)))
        }
    }

    fn key(table: &str) -> Key {
        ("S".into(), table.into())
    }

    fn groups(rows: &[(&'static str, usize, u32)]) -> Groups<Scripted> {
        Groups::new(Scripted(Vec::from(rows).into_iter()))
    }

    #[tokio::test]
    async fn in_order_only_one_group_is_held() {
        let mut groups = groups(&[("A", 2, 1), ("A", 2, 2), ("C", 1, 3)]);
        assert_eq!(groups.take(&key("A")).await.unwrap(), Found::All(vec![1, 2]));
        assert!(groups.aside.is_empty());
        assert_eq!(groups.take(&key("B")).await.unwrap(), Found::Later);
        assert_eq!(groups.take(&key("C")).await.unwrap(), Found::All(vec![3]));
        groups.finish().await.unwrap();
        assert_eq!(groups.take(&key("B")).await.unwrap(), Found::None);
    }

    #[tokio::test]
    async fn what_nobody_asks_for_is_not_held() {
        let mut groups = groups(&[("A", 1, 1), ("B", 1, 2), ("C", 1, 3)]);
        groups.drop_group(key("A"));
        assert_eq!(groups.take(&key("C")).await.unwrap(), Found::All(vec![3]));
        let held: Vec<_> = groups.aside.keys().cloned().collect();
        assert_eq!(held, [key("B")]);
        groups.drop_group(key("B"));
        assert!(groups.aside.is_empty());
    }

    #[tokio::test]
    async fn out_of_order_every_row_finds_its_table() {
        let mut groups = groups(&[("C", 2, 1), ("A", 2, 2), ("B", 1, 3), ("A", 2, 4), ("C", 2, 5)]);
        assert_eq!(groups.take(&key("A")).await.unwrap(), Found::Later);
        assert_eq!(groups.take(&key("C")).await.unwrap(), Found::All(vec![1, 5]));
        assert_eq!(groups.take(&key("A")).await.unwrap(), Found::All(vec![2, 4]));
        assert_eq!(groups.take(&key("B")).await.unwrap(), Found::All(vec![3]));
        assert_eq!(groups.take(&key("D")).await.unwrap(), Found::None);
    }

    #[tokio::test]
    async fn what_comes_later_is_there_at_the_end() {
        let mut groups = groups(&[("B", 1, 1), ("C", 1, 2), ("A", 1, 3)]);
        assert_eq!(groups.take(&key("B")).await.unwrap(), Found::All(vec![1]));
        groups.pull().await.unwrap();
        assert_eq!(groups.take(&key("A")).await.unwrap(), Found::Later);
        groups.finish().await.unwrap();
        assert_eq!(groups.take(&key("A")).await.unwrap(), Found::All(vec![3]));
    }
}
