//! Two things measured in turn, and what is made of the numbers.

use anyhow::{Context, Result};

/// What one round found: the thing measured, and its twin, one right after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Round {
    pub(crate) value: f64,
    pub(crate) baseline: f64,
}

/// Measures two things in turn. Which comes first changes with every round, so that a machine that gets slower or faster
/// meanwhile favours neither.
pub(crate) async fn interleave(
    rounds: usize,
    mut value: impl AsyncFnMut() -> Result<f64>,
    mut baseline: impl AsyncFnMut() -> Result<f64>,
) -> Result<Vec<Round>> {
    let mut found = Vec::with_capacity(rounds);
    for round in 0..rounds {
        found.push(if round % 2 == 0 {
            let value = value().await?;
            Round { value, baseline: baseline().await? }
        } else {
            let baseline = baseline().await?;
            Round { value: value().await?, baseline }
        });
    }
    Ok(found)
}

/// What all rounds say together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    /// The median over the rounds.
    pub(crate) value: f64,
    /// The twin's.
    pub(crate) baseline: f64,
    /// The one over the other.
    pub(crate) ratio: f64,
    /// The lower and the upper quartile of the rounds' own ratios: how far to trust `ratio`.
    pub(crate) spread: (f64, f64),
}

impl Summary {
    /// # Errors
    /// Where there was no round, or a baseline is zero.
    pub(crate) fn of(rounds: &[Round]) -> Result<Self> {
        let quantile = |numbers: &mut dyn Iterator<Item = f64>, q: f64| {
            quantile(numbers.collect(), q).context("nothing was measured")
        };
        let value = quantile(&mut rounds.iter().map(|round| round.value), 0.5)?;
        let baseline = quantile(&mut rounds.iter().map(|round| round.baseline), 0.5)?;
        let ratios = || rounds.iter().map(|round| round.value / round.baseline);
        anyhow::ensure!(baseline > 0.0, "the twin's figure is {baseline}");
        Ok(Self {
            value,
            baseline,
            ratio: value / baseline,
            spread: (quantile(&mut ratios(), 0.25)?, quantile(&mut ratios(), 0.75)?),
        })
    }
}

/// The median of numbers, if there are any.
pub(crate) fn median(numbers: Vec<f64>) -> Option<f64> {
    quantile(numbers, 0.5)
}

/// The quantile `q`, 0 to 1, by linear interpolation between the two nearest numbers.
fn quantile(mut numbers: Vec<f64>, q: f64) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let position = q * (numbers.len().checked_sub(1)? as f64);
    let lower = *numbers.get(position.floor() as usize)?;
    let upper = *numbers.get(position.ceil() as usize)?;
    Some(lower + (upper - lower) * position.fract())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        assert_eq!(quantile(vec![], 0.5), None);
        assert_eq!(quantile(vec![3.0], 0.99), Some(3.0));
        assert_eq!(quantile(vec![9.0, 1.0, 5.0], 0.5), Some(5.0));
        assert_eq!(quantile(vec![4.0, 1.0, 2.0, 3.0], 0.5), Some(2.5));
        assert_eq!(quantile(vec![4.0, 1.0, 2.0, 3.0, 5.0], 0.25), Some(2.0));
    }

    #[test]
    fn a_summary_is_of_medians_and_its_ratio_of_those() {
        let rounds = [(8.0, 10.0), (7.0, 10.0), (90.0, 100.0)].map(|(value, baseline)| Round { value, baseline });
        let summary = Summary::of(&rounds).unwrap();
        assert_eq!((summary.value, summary.baseline, summary.ratio), (8.0, 10.0, 0.8));
        let (low, high) = summary.spread;
        assert!((low - 0.75).abs() < 1e-9 && (high - 0.85).abs() < 1e-9, "{low} to {high}");
    }

    #[test]
    fn no_rounds_and_no_baseline_are_errors() {
        assert!(Summary::of(&[]).is_err());
        assert!(Summary::of(&[Round { value: 1.0, baseline: 0.0 }]).is_err());
    }

    #[tokio::test]
    async fn the_two_take_turns_at_being_first() {
        let order = RefCell::new(String::new());
        let rounds = interleave(
            3,
            async || {
                order.borrow_mut().push('a');
                Ok(1.0)
            },
            async || {
                order.borrow_mut().push('b');
                Ok(2.0)
            },
        )
        .await
        .unwrap();
        assert_eq!(order.into_inner(), "abbaab");
        assert_eq!(rounds, [Round { value: 1.0, baseline: 2.0 }; 3]);
    }
}
