//! New ids.

use datamp_models::id::TypedId;

/// A new id of a type: a UUIDv7, so that ids sort by the time they were made.
///
/// # Panics
///
/// When the SDK makes an id that the models refuse, which both have tests against.
#[allow(clippy::panic, reason = "two halves of this program would disagree about what an id is")]
pub fn fresh<T: TypedId>() -> T {
    T::try_from(datamp_sdk::id::new(T::PREFIX)).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests {
    use datamp_models::core::TransferId;

    #[test]
    fn what_the_sdk_makes_is_an_id_by_the_models() {
        let (first, second) = (super::fresh::<TransferId>(), super::fresh::<TransferId>());
        assert_ne!(first, second);
        assert!(first.as_str().starts_with("tr_"));
    }
}
