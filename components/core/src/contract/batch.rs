//! A list in, a list out: elements that can't be understood are answered at once, the others together.

use super::bindings::datamp::core::types::CoreError;
use super::bindings::exports::datamp::core::system_operations::OperationError;

/// The most elements of a list.
pub(super) const MAX: usize = 1000;

/// The error of an interface, as far as lists need to know it.
pub(super) trait Failure: Clone {
    /// A field's value can't be taken: the field, and what it must be.
    fn invalid(field: &str, words: String) -> Self;
    /// Nothing took effect.
    fn unavailable(words: &str) -> Self;
}

impl Failure for CoreError {
    fn invalid(field: &str, words: String) -> Self {
        Self::Invalid((field.to_owned(), words))
    }

    fn unavailable(words: &str) -> Self {
        Self::Unavailable(words.to_owned())
    }
}

impl Failure for OperationError {
    fn invalid(field: &str, words: String) -> Self {
        Self::Invalid((field.to_owned(), words))
    }

    fn unavailable(words: &str) -> Self {
        Self::Unavailable(words.to_owned())
    }
}

/// Answers each input in its place. `parse` understands one; `run` does what all that were understood ask for, and answers
/// them one by one, or fails for all of them. `field` is the list's name in the contract.
pub(super) fn each<I, V, T, E: Failure>(
    field: &str,
    inputs: Vec<I>,
    parse: impl Fn(I) -> Result<V, E>,
    run: impl FnOnce(&[V]) -> Result<Vec<Result<T, E>>, E>,
) -> Vec<Result<T, E>> {
    let count = inputs.len();
    if count > MAX {
        let refuse = || Err(E::invalid(field, format!("must be at most {MAX} elements")));
        return (0..count).map(|_| refuse()).collect();
    }
    let mut understood = Vec::new();
    let mut places = Vec::with_capacity(count);
    for input in inputs {
        places.push(parse(input).map(|value| understood.push(value)));
    }
    let outcome = if understood.is_empty() { Ok(Vec::new()) } else { run(&understood) };
    let (mut answers, failure) = match outcome {
        Ok(answers) => (answers.into_iter(), E::unavailable("an element was not answered")),
        Err(failure) => (Vec::new().into_iter(), failure),
    };
    places
        .into_iter()
        .map(|place| place.and_then(|()| answers.next().unwrap_or_else(|| Err(failure.clone()))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<i32, CoreError> {
        text.parse().map_err(|_| CoreError::Invalid(("new".to_owned(), text.to_owned())))
    }

    #[test]
    fn every_element_is_answered_in_its_place() {
        let halve = |numbers: &[i32]| {
            let half = |number: &i32| {
                if number % 2 == 0 { Ok(number / 2) } else { Err(CoreError::Conflict(number.to_string())) }
            };
            Ok(numbers.iter().map(half).collect())
        };
        let invalid = |text: &str| Err(CoreError::Invalid(("new".to_owned(), text.to_owned())));
        assert_eq!(
            each("new", vec!["a", "4", "3", "", "8"], parse, halve),
            [invalid("a"), Ok(2), Err(CoreError::Conflict("3".to_owned())), invalid(""), Ok(4)]
        );
    }

    #[test]
    fn a_failure_is_told_to_all_that_were_understood() {
        let failure = CoreError::Unavailable("no".to_owned());
        let answers = each::<_, _, i32, CoreError>("new", vec!["1", "x", "2"], parse, |_| Err(failure.clone()));
        assert_eq!(answers[0], Err(failure.clone()));
        assert!(matches!(answers[1], Err(CoreError::Invalid(_))));
        assert_eq!(answers[2], Err(failure));
    }

    #[test]
    fn nothing_is_run_for_nothing_and_nothing_for_too_many() {
        let run = |_: &[i32]| -> Result<Vec<Result<i32, CoreError>>, CoreError> { panic!("must not run") };
        assert_eq!(each("new", vec!["x"], parse, run).len(), 1);
        assert_eq!(each("new", Vec::<&str>::new(), parse, run), []);
        let answers = each("new", vec!["1"; MAX + 1], parse, run);
        assert_eq!(answers.len(), MAX + 1);
        assert!(answers.iter().all(|answer| matches!(answer, Err(CoreError::Invalid(_)))));
    }
}
