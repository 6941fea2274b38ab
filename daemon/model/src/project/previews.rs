//! Settings of a project's previews.

use super::PreviewsSpec;
use std::time::Duration;

/// Time without a push after which a preview ends, unless the project says otherwise: 7 days.
const IDLE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Previews of a project at once, unless the project says otherwise.
const LIMIT: u32 = 10;

impl PreviewsSpec {
    /// Returns the time without a push after which a preview ends.
    #[must_use]
    pub fn idle(&self) -> Duration {
        let given = self.idle.as_deref().and_then(|text| humantime::parse_duration(text).ok());
        given.unwrap_or(IDLE)
    }

    /// Returns how many previews of the project there may be at once.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(LIMIT)
    }

    /// Returns whether an app may have previews.
    #[must_use]
    pub fn is_for(&self, app: &str) -> bool {
        self.apps.is_empty() || self.apps.iter().any(|own| own == app)
    }

    /// Returns the host of an app's preview with this name. `None` means that previews have none.
    #[must_use]
    pub fn host_of(&self, app: &str, name: &str) -> Option<String> {
        self.host.as_ref().map(|host| host.replace("{app}", app).replace("{n}", name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_has_a_default() {
        let spec = PreviewsSpec::default();
        assert_eq!((spec.idle(), spec.limit(), spec.host_of("web", "7")), (IDLE, 10, None));
        assert!(spec.is_for("web"));
        let spec = PreviewsSpec {
            host: Some("{app}-pr-{n}.preview.example.com".into()),
            idle: Some("12h".into()),
            limit: Some(2),
            apps: vec!["web".into()],
            ..PreviewsSpec::default()
        };
        assert_eq!((spec.idle(), spec.limit()), (Duration::from_secs(12 * 3600), 2));
        assert_eq!(spec.host_of("web", "7").as_deref(), Some("web-pr-7.preview.example.com"));
        assert!(spec.is_for("web") && !spec.is_for("worker"));
    }
}
