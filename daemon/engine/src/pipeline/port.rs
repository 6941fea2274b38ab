//! Choice of the port where `web` listens, among those that an image exposes.

use crate::ports::ImageConfig;

/// Port of web servers in images by custom, and of `web` where no other is set.
const CUSTOMARY: u16 = 8080;

/// Number of ports that a warning names.
const NAMED: usize = 20;

/// A choice among the ports of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exposed {
    /// The image exposes none.
    Nothing,
    /// It is clear which one is meant.
    One(u16),
    /// Several are as good: the lowest is taken.
    Unclear(u16),
}

impl Exposed {
    pub(super) fn port(self) -> Option<u16> {
        match self {
            Self::Nothing => None,
            Self::One(port) | Self::Unclear(port) => Some(port),
        }
    }
}

/// Chooses the port that the deployed stage itself exposes, before those of its base, and the customary one
/// among several.
pub(super) fn exposed(config: &ImageConfig) -> Exposed {
    let among = if config.own_ports.is_empty() { &config.ports } else { &config.own_ports };
    match among.as_slice() {
        [] => Exposed::Nothing,
        [port] => Exposed::One(*port),
        several if several.contains(&CUSTOMARY) => Exposed::One(CUSTOMARY),
        [lowest, ..] => Exposed::Unclear(*lowest),
    }
}

/// Returns message and fix of a warning about several ports among which nobody chose.
pub(super) fn unclear(taken: u16, config: &ImageConfig) -> (String, String) {
    let named = config.ports.iter().take(NAMED).map(ToString::to_string);
    let mut all = named.collect::<Vec<_>>().join(", ");
    if let Some(more) = config.ports.len().checked_sub(NAMED).filter(|more| *more > 0) {
        all.push_str(&format!(" and {more} more"));
    }
    let message = format!(
        "the image exposes the ports {all}, and nothing says at which `web` listens: {taken} is taken"
    );
    let fix = format!("write `port = {taken}`, or another of them, at the top of windlass.toml");
    (message, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ports: &[u16], own: &[u16]) -> ImageConfig {
        ImageConfig { ports: ports.into(), own_ports: own.into(), ..ImageConfig::default() }
    }

    #[test]
    fn the_stages_own_port_counts_before_those_of_its_base() {
        assert_eq!(exposed(&of(&[80, 443, 3000], &[3000])), Exposed::One(3000));
        assert_eq!(exposed(&of(&[80, 443], &[443])), Exposed::One(443));
        assert_eq!(exposed(&of(&[8080, 9090], &[9090])), Exposed::One(9090));
        assert_eq!(exposed(&of(&[9090], &[])), Exposed::One(9090), "of the base alone");
    }

    #[test]
    fn the_customary_one_of_several_is_taken_and_else_there_is_a_warning() {
        assert_eq!(exposed(&of(&[80, 8080, 9000], &[])), Exposed::One(8080));
        assert_eq!(exposed(&of(&[80, 8080, 9000], &[8080, 9000])), Exposed::One(8080));
        assert_eq!(exposed(&of(&[80, 3000, 9000], &[3000, 9000])), Exposed::Unclear(3000));
        assert_eq!(exposed(&of(&[], &[])), Exposed::Nothing);
        let (message, fix) = unclear(3000, &of(&[80, 3000, 9000], &[3000, 9000]));
        assert!(
            message.contains("80, 3000, 9000") && message.contains("3000 is taken"),
            "{message}"
        );
        assert!(fix.contains("`port = 3000`"), "{fix}");
        let range: Vec<u16> = (30_000..31_000).collect();
        let (message, _) = unclear(30_000, &of(&range, &[]));
        assert!(message.contains("30019 and 980 more, and nothing says"), "{message}");
    }
}
