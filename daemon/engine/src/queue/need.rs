//! Slots: the places for work that jobs share, with a limit for each kind of work.

/// Work for which a job needs a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Fetch a commit and look at its tree.
    Checkout,
    /// Build, test and push an image.
    Build,
    /// Bring a release to these clusters: one slot in each.
    Release(Vec<String>),
}

/// Kind of work, which has a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Checkout,
    Build,
    Release,
}

/// Numbers of slots. 0 counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Jobs that have begun and not ended, whatever they do or wait for.
    pub running: usize,
    pub checkouts: usize,
    pub builds: usize,
    /// Releases in each cluster.
    pub releases: usize,
}

impl Kind {
    /// All kinds. A granted build gives a checkout's slot back, so builds come first.
    pub(super) const ALL: [Self; 3] = [Self::Build, Self::Checkout, Self::Release];

    /// Returns the name of the kind, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Build => "build",
            Self::Release => "release",
        }
    }

    /// Returns the work as a verb, for people.
    #[must_use]
    pub fn work(self) -> &'static str {
        match self {
            Self::Checkout => "check out its commit",
            Self::Build => "build",
            Self::Release => "release",
        }
    }
}

impl Need {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Checkout => Kind::Checkout,
            Self::Build => Kind::Build,
            Self::Release(_) => Kind::Release,
        }
    }

    /// Returns the names of the places in each of which one slot is needed: of a release, its clusters. Other
    /// work is done in one nameless place.
    pub(super) fn places(&self) -> Vec<&str> {
        match self {
            Self::Checkout | Self::Build => vec![""],
            Self::Release(clusters) => clusters.iter().map(String::as_str).collect(),
        }
    }
}

impl Limits {
    pub(super) fn of(&self, kind: Kind) -> usize {
        let limit = match kind {
            Kind::Checkout => self.checkouts,
            Kind::Build => self.builds,
            Kind::Release => self.releases,
        };
        limit.max(1)
    }
}

/// Returns whether two needs have a place in common.
pub(super) fn overlap(some: &[&str], others: &[&str]) -> bool {
    some.iter().any(|place| others.contains(place))
}
