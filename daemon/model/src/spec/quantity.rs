//! Kubernetes quantities: number and unit (`apimachinery/pkg/api/resource`).

/// The resource that a quantity counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Cpu,
    Bytes,
}

/// Units and their factors in thousandths.
const UNITS: [(&str, u128); 14] = [
    ("", 1_000),
    ("m", 1),
    ("k", 1_000_000),
    ("M", 1_000_000_000),
    ("G", 1_000_000_000_000),
    ("T", 1_000_000_000_000_000),
    ("P", 1_000_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000_000),
    ("Ki", 1_000 << 10),
    ("Mi", 1_000 << 20),
    ("Gi", 1_000 << 30),
    ("Ti", 1_000 << 40),
    ("Pi", 1_000 << 50),
    ("Ei", 1_000 << 60),
];

/// Returns the amount in thousandths: millicores, or thousandths of a byte. `None` means that the text
/// is no quantity.
pub fn amount(text: &str) -> Option<u128> {
    let (number, factor) = split(text)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || number.len() > 15 || number.starts_with('.') {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let all: u128 = format!("{whole}{fraction}").parse().ok()?;
    Some(all.checked_mul(factor)? / scale)
}

fn split(text: &str) -> Option<(&str, u128)> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let (_, factor) = UNITS.iter().find(|(known, _)| *known == unit)?;
    (!number.is_empty()).then_some((number, *factor))
}

/// Returns twice the amount, in the same unit.
pub(super) fn doubled(text: &str) -> String {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    match text.split_at(at) {
        (number, unit) if !unit.starts_with('.') => match number.parse::<u64>() {
            Ok(number) => format!("{}{unit}", number.saturating_mul(2)),
            Err(_) => text.to_owned(),
        },
        _ => amount(text)
            .map_or_else(|| text.to_owned(), |thousandths| format!("{}m", thousandths * 2)),
    }
}

/// Returns the fault of a quantity, with what was probably meant. `None` means that it has none.
pub(super) fn problem(text: &str, of: Of) -> Option<String> {
    let example = match of {
        Of::Cpu => "`250m` or `0.5`",
        Of::Bytes => "`128Mi` or `1Gi`",
    };
    let Some(amount) = amount(text) else {
        let meant = match meant(text) {
            Some(meant) if problem(&meant, of).is_none() => format!("; did you mean `{meant}`?"),
            Some(meant) if of == Of::Cpu && meant.ends_with('i') => {
                "; this is an amount of memory".into()
            }
            _ => String::new(),
        };
        return Some(format!("must be a Kubernetes quantity such as {example}{meant}"));
    };
    match of {
        _ if amount == 0 => Some("must be more than 0".into()),
        // A thousand cores: no node has so many.
        Of::Cpu if amount > 1_000_000 => {
            let hint = match text.strip_suffix("Mi").or_else(|| text.strip_suffix('M')) {
                Some(number) => format!("did you mean `{number}m`?"),
                None => format!("did you mean `{text}m`?"),
            };
            Some(format!("is more than 1000 cores; {hint}"))
        }
        Of::Bytes if text.ends_with('m') => {
            let number = text.trim_end_matches('m');
            Some(format!("is thousandths of a byte; did you mean `{number}Mi`?"))
        }
        // Less than any process needs: a unit was forgotten.
        Of::Bytes if amount < 1_000 << 20 => {
            let number: String = text.chars().take_while(char::is_ascii_digit).collect();
            Some(format!("is less than 1Mi; did you mean `{number}Mi`?"))
        }
        _ => None,
    }
}

/// Reads a quantity as people write it: `1GB`, `512 mb`, `1gi`.
fn meant(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '_').collect();
    let text = text.replace(',', ".");
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = match &*unit.to_lowercase() {
        "k" | "kb" | "ki" | "kib" => "Ki",
        "m" | "mb" | "mi" | "mib" => "Mi",
        "g" | "gb" | "gi" | "gib" => "Gi",
        "t" | "tb" | "ti" | "tib" => "Ti",
        "core" | "cores" | "cpu" | "cpus" | "vcpu" => "",
        "millicores" | "millicore" => "m",
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood_or_explained() {
        for good in ["100m", "0.5", "2", "1.5"] {
            assert_eq!(problem(good, Of::Cpu), None, "{good}");
        }
        for good in ["128Mi", "1Gi", "500M", "1.5Gi", "1048576"] {
            assert_eq!(problem(good, Of::Bytes), None, "{good}");
        }
        for (bad, of, expected) in [
            ("1GB", Of::Cpu, "an amount of memory"),
            ("512Mi", Of::Cpu, "did you mean `512m`"),
            ("512", Of::Bytes, "did you mean `512Mi`"),
            ("512m", Of::Bytes, "did you mean `512Mi`"),
            ("1GB", Of::Bytes, "did you mean `1Gi`"),
            ("0", Of::Bytes, "more than 0"),
            ("lots", Of::Bytes, "such as `128Mi`"),
            ("-1", Of::Cpu, "such as"),
            ("1e3", Of::Cpu, "such as"),
            (".5", Of::Cpu, "such as"),
            ("99999999999999999999", Of::Cpu, "such as"),
        ] {
            let found = problem(bad, of).unwrap_or_else(|| panic!("{bad} is taken"));
            assert!(found.contains(expected), "{bad}: {found}");
        }
    }

    #[test]
    fn twice_keeps_the_unit() {
        assert_eq!(doubled("96Mi"), "192Mi");
        assert_eq!(amount(&doubled("1.5Gi")), amount("3Gi"));
    }
}
