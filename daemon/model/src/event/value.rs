//! Values of metrics as people read them.

/// Digits of a value that are shown.
const DIGITS: usize = 6;

/// Rounds a value of a metric to six digits: 52.4345 of 52.434481124965004. The infinite stays as it is.
#[must_use]
pub fn short(value: f64) -> f64 {
    format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_kept() {
        for (value, shown) in [
            (52.434_481_124_965_004, "52.4345"),
            (0.0, "0"),
            (-0.000_012_345_678, "-0.0000123457"),
            (1_234_567.8, "1234570"),
            (99.5, "99.5"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(short(value).to_string(), shown);
        }
    }
}
