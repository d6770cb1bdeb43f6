//! Which prefix covers a path.

use crate::manifest::RoutePrefix;

/// Prefixes and what they lead to. Of several that cover a path, the longest counts.
#[derive(Debug)]
pub(super) struct Routes<T>(Vec<(RoutePrefix, T)>);

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<(RoutePrefix, T)> for Routes<T> {
    fn from_iter<I: IntoIterator<Item = (RoutePrefix, T)>>(routes: I) -> Self {
        let mut routes: Vec<_> = routes.into_iter().collect();
        // The longest first, so that the first which covers a path is the right one.
        routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.as_str().len()));
        Self(routes)
    }
}

impl<T> Routes<T> {
    /// What a path leads to.
    pub(super) fn find(&self, path: &str) -> Option<&T> {
        self.0.iter().find(|(prefix, _)| prefix.covers(path)).map(|(_, target)| target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_in_whole_segments_wins() {
        let routes: Routes<u8> = [("/", 0), ("/a", 1), ("/a/b", 2), ("/a/b/c", 3)]
            .into_iter()
            .map(|(prefix, target)| (RoutePrefix::parse(prefix).unwrap(), target))
            .collect();
        for (path, target) in [
            ("/", 0),
            ("/x", 0),
            ("/ab", 0),
            ("/a", 1),
            ("/a/", 1),
            ("/a/bc", 1),
            ("/a/b", 2),
            ("/a/b/x", 2),
            ("/a/b/c", 3),
        ] {
            assert_eq!(routes.find(path), Some(&target), "{path}");
        }
        assert_eq!(Routes::<u8>::default().find("/"), None);
    }
}
