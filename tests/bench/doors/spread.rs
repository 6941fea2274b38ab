//! Medians and percentiles.

use bench_history::Figures;

/// Measured seconds of one kind.
#[derive(Default)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Prints the median and the 99th percentile in milliseconds, and adds them to the figures.
    pub(crate) fn print(mut self, name: &str, group: &str, figures: &mut Figures) {
        assert!(!self.0.is_empty(), "{group}: {name} was never measured");
        self.0.sort_by(f64::total_cmp);
        let (median, late) = (self.at(50), self.at(99));
        println!("{name:28}{median:>10.1}{late:>10.1}");
        figures.add(format!("{group}, {name}, median"), median, "ms");
        figures.add(format!("{group}, {name}, p99"), late, "ms");
    }

    /// Returns the smallest value that so many of a hundred do not exceed, in milliseconds. The values are sorted.
    fn at(&self, percent: usize) -> f64 {
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0[place] * 1000.0
    }
}

/// Prints the names of the columns of [`Spread::print`].
pub(crate) fn columns() {
    println!("{:28}{:>10}{:>10}", "milliseconds", "median", "p99");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let hundred = Spread((1..=100).map(f64::from).collect());
        assert_eq!((hundred.at(50), hundred.at(99)), (50_000.0, 99_000.0));
        let three = Spread(vec![1.0, 2.0, 3.0]);
        assert_eq!((three.at(50), three.at(99)), (2000.0, 3000.0));
        assert_eq!(Spread(vec![1.0]).at(50), 1000.0);
    }
}
