//! Output of figures.

/// Prints a heading.
pub(crate) fn title(text: &str) {
    println!("\n## {text}");
}

/// Returns the median.
pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
