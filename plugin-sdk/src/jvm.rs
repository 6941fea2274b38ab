//! Builds of the Java virtual machine, as far as detectors and test runners read them: pom.xml, and Gradle's scripts
//! as text.

pub mod gradle;
pub mod pom;

/// Returns the release that a text names: `17` of `17.0.9-tem`, `temurin-17.0.9+9`, `VERSION_17` and `[17,)`; `8` of
/// `1.8`. `None` means that the text has no number.
#[must_use]
pub fn release(text: &str) -> Option<String> {
    // A vendor's name may hold a number: `openjdk64-11.0.2`.
    let part =
        text.split('-').find(|part| part.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    let part = part.unwrap_or(text).replace("VERSION_1_", "1.");
    let start = part.find(|c: char| c.is_ascii_digit())?;
    let digits = part.get(start..)?;
    let mut numbers = digits.split(|c: char| !c.is_ascii_digit());
    let first = numbers.next()?;
    let major =
        if first == "1" { numbers.next().filter(|second| !second.is_empty())? } else { first };
    (major.len() <= 3).then(|| major.to_owned())
}

/// Returns the version in the address of a wrapper's distribution: `3.9.9` of `…/apache-maven-3.9.9-bin.zip`.
#[must_use]
pub fn distribution(text: &str) -> Option<(usize, String)> {
    text.lines().zip(1..).find_map(|(line, number)| {
        let address = line.trim().strip_prefix("distributionUrl")?;
        let name = address.rsplit('/').next()?;
        let is_version = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
        let version = name.split('-').find(is_version)?;
        Some((number, version.trim_end_matches(".zip").to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_found_behind_its_vendor() {
        for (text, expected) in [
            ("17", "17"),
            ("17.0.9-tem", "17"),
            ("temurin-17.0.9+9", "17"),
            ("openjdk64-11.0.2", "11"),
            ("1.8", "8"),
            ("1.8.0_392", "8"),
            ("JavaVersion.VERSION_1_8", "8"),
            ("JavaVersion.VERSION_21", "21"),
            ("[17,)", "17"),
        ] {
            assert_eq!(release(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(release("javaVersion"), None);
        assert_eq!(release("1"), None);
    }

    #[test]
    fn a_wrapper_s_version_is_in_its_address() {
        let text = "a=b\ndistributionUrl=https\\://example.com/gradle-8.10.2-bin.zip\n";
        assert_eq!(distribution(text), Some((2, "8.10.2".into())));
        assert_eq!(distribution("distributionUrl=x"), None);
    }
}
