//! Pages of lists.

/// Which page of a list: `page` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The page, from 1.
    pub page: u64,
    /// How many items a page has.
    pub size: u64,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { page: 1, size: 20 }
    }
}

impl PageRequest {
    /// How many items a page has, as a query's limit.
    pub(crate) fn limit(self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX)
    }

    /// How many items come before the page.
    pub(crate) fn offset(self) -> i64 {
        let before = self.page.saturating_sub(1).saturating_mul(self.size);
        i64::try_from(before).unwrap_or(i64::MAX)
    }

    /// The page's answer.
    pub(crate) fn of<T>(self, items: Vec<T>, total: i64) -> Page<T> {
        Page {
            items,
            total: u64::try_from(total).unwrap_or(0),
            page: self.page,
            size: self.size,
        }
    }
}

/// One page of a list. A page past the end is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// How many items the whole list has.
    pub total: u64,
    /// The page, from 1.
    pub page: u64,
    /// How many items a page has.
    pub size: u64,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            total: self.total,
            page: self.page,
            size: self.size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_far_past_the_end_does_not_overflow() {
        let request = PageRequest {
            page: u64::MAX,
            size: 100,
        };
        assert_eq!(request.offset(), i64::MAX);
        assert_eq!(PageRequest { page: 3, size: 20 }.offset(), 40);
    }
}
