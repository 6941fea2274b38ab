//! The rules of the configuration that its types do not hold.

mod amqp;
mod listen;

use super::{Config, ConfigError, HostOwner, Registry, Slots};
use std::{fmt::Display, path::PathBuf};
use windlass_model::app::label;
use windlass_outgoing::Allow;

impl Config {
    /// Checks all rules. The error names the key, what is expected and what to do.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.registry.is_empty() || self.registry.ends_with('/') || self.registry.contains("://")
        {
            return fail(
                "registry: a host, perhaps with a path, such as `registry.example.com/apps`",
            );
        }
        self.check_limits()?;
        self.check_bounds()?;
        self.check_journal()?;
        self.check_builder()?;
        self.check_clusters()?;
        self.check_prometheus()?;
        self.own_clusters.allowed().map_err(|error| ConfigError(error.to_string()))?;
        self.check_registries()?;
        self.check_own_registries()?;
        self.check_hosts()?;
        self.check_listen()?;
        self.check_git()?;
        self.check_outgoing()?;
        self.check_traces()?;
        self.check_principals()?;
        self.check_amqp()
    }

    fn check_builder(&self) -> Result<(), ConfigError> {
        for (index, image) in self.builder.frontends.iter().enumerate() {
            if !windlass_buildkit::is_frontend(image) {
                return fail(format!(
                    "builder.frontends[{index}]: `{image}` is no image; expected one such as `docker/dockerfile` or `docker/dockerfile:1*`"
                ));
            }
        }
        for (index, path) in self.builder.shared_images.iter().enumerate() {
            let below = path.strip_prefix(&self.registry).and_then(|rest| rest.strip_prefix('/'));
            let is_path = |below: &str| {
                below.split('/').all(|part| !part.is_empty() && !part.contains([':', '@']))
            };
            if below.is_none_or(|below| !is_path(below)) {
                return fail(format!(
                    "builder.shared-images[{index}]: `{path}` is no path below `registry`; expected one such as `{}/base`, without a tag",
                    self.registry
                ));
            }
        }
        Ok(())
    }

    /// Checks the limits: 0 would refuse everything, and a number beyond its bound would be none.
    fn check_bounds(&self) -> Result<(), ConfigError> {
        let listen = &self.listen;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        for (key, value, most) in [
            ("max-waiting-jobs", self.max_waiting_jobs, 1_000_000),
            ("max-waiting-jobs-total", self.max_waiting_jobs_total, 1_000_000),
            ("plans", count(self.plans), 1000),
            ("plan-seconds", self.plan_seconds, 3600),
            ("listen.max-connections", count(listen.max_connections), 1_000_000),
            ("listen.max-connections-per-peer", count(listen.max_connections_per_peer), 1_000_000),
            ("listen.header-seconds", listen.header_seconds, 600),
            ("listen.idle-seconds", listen.idle_seconds, 86_400),
            ("listen.request-seconds", listen.request_seconds, 3600),
        ] {
            if value == 0 || value > most {
                return fail(format!("{key}: `{value}` must be 1 to {most}"));
            }
        }
        let keep = self.keep_releases;
        if !(2..=1000).contains(&keep) {
            return fail(format!(
                "keep-releases: `{keep}` must be 2 to 1000: what serves, and one to go back to"
            ));
        }
        Ok(())
    }

    fn check_journal(&self) -> Result<(), ConfigError> {
        let (journal, logs) = (&self.journal, &self.logs);
        for (key, value, least, most) in [
            ("journal.reserve-mib", journal.reserve_mib, 0, 1 << 20),
            ("journal.min-free-mib", journal.min_free_mib, 0, 1 << 20),
            ("logs.stage-lines", logs.stage_lines, 100, 100_000_000),
            ("logs.stage-mib", logs.stage_mib, 1, 1 << 20),
            ("logs.job-lines", logs.job_lines, 100, 100_000_000),
            ("logs.job-mib", logs.job_mib, 1, 1 << 20),
            // They are held in memory, for each stage.
            ("logs.end-lines", logs.end_lines, 1, 10_000),
        ] {
            if value < least || value > most {
                return fail(format!("{key}: `{value}`; expected a number from {least} to {most}"));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let Slots { checkouts, builds, releases, running } = self.limits;
        for (key, value) in [
            ("jobs", self.jobs.unwrap_or(1)),
            ("limits.checkouts", checkouts),
            ("limits.builds", builds),
            ("limits.releases", releases),
            ("limits.running", running),
        ] {
            if value == 0 {
                return fail(format!(
                    "{key}: is 0; expected at least 1, or nothing would ever run"
                ));
            }
        }
        // As it was read: a number in the file counts, also where it is that of the default.
        let limits = self.read.get("limits").and_then(|limits| limits.get("builds"));
        if self.jobs.is_some() && limits.is_some() {
            return fail("jobs: is the former name of `limits.builds`; keep that one alone");
        }
        Ok(())
    }

    fn check_clusters(&self) -> Result<(), ConfigError> {
        if self.cluster.is_some() && !self.clusters.is_empty() {
            return fail("cluster: cannot stand beside `clusters`; make it one of them");
        }
        if self.cluster.as_ref().is_some_and(|cluster| !cluster.name.is_empty()) {
            return fail(
                "cluster.name: the only cluster is named `default`; others go into `clusters`",
            );
        }
        for (index, cluster) in self.clusters.iter().enumerate() {
            let name = &cluster.name;
            label(&format!("clusters[{index}].name"), name, 30)
                .map_err(|error| ConfigError(error.to_string()))?;
            let before = || self.clusters.iter().take(index);
            if before().any(|before| before.name == *name) {
                return fail(format!("clusters[{index}].name: `{name}` is named twice"));
            }
            if let Some(same) = before().find(|before| before.kubeconfig == cluster.kubeconfig) {
                // A failure in the one would put back, or scale to nothing, what serves in the other.
                return fail(format!(
                    "clusters[{index}].kubeconfig: is that of `{}`; each cluster has its own",
                    same.name
                ));
            }
        }
        Ok(())
    }

    fn check_prometheus(&self) -> Result<(), ConfigError> {
        let only = self.cluster.iter().map(|cluster| ("cluster".to_owned(), cluster));
        let several = self.clusters.iter().enumerate();
        let several = several.map(|(index, cluster)| (format!("clusters[{index}]"), cluster));
        for (key, cluster) in only.chain(several) {
            let Some(prometheus) = &cluster.prometheus else { continue };
            if let Err(error) = prometheus.settings() {
                return fail(format!("{key}.{error}"));
            }
            if let Some(ca) = &prometheus.ca
                && let Err(error) = std::fs::metadata(ca)
            {
                return fail(format!("{key}.prometheus.ca: {}: {error}", ca.display()));
            }
        }
        Ok(())
    }

    fn check_registries(&self) -> Result<(), ConfigError> {
        for (index, registry) in self.registries.iter().enumerate() {
            let Registry { host, username, password_file, plugin, pull, .. } = registry;
            if !is_one_login(username, password_file, plugin) {
                return fail(format!(
                    "registries: {host}: needs either `username` and `password-file`, or `plugin`"
                ));
            }
            if let Some(pull) = pull
                && !is_one_login(&pull.username, &pull.password_file, &pull.plugin)
            {
                return fail(format!(
                    "registries: {host}: pull: needs either `username` and `password-file`, or `plugin`"
                ));
            }
            if self.registries.iter().take(index).any(|before| before.host == *host) {
                return fail(format!("registries: {host}: is named twice; keep one of them"));
            }
        }
        Ok(())
    }

    fn check_own_registries(&self) -> Result<(), ConfigError> {
        let own = &self.own_registries;
        if let Err(error) = own.rules() {
            return fail(format!("own-registries.{error}"));
        }
        if let Some(ca) = &own.ca
            && let Err(error) = std::fs::metadata(ca)
        {
            return fail(format!("own-registries.ca: {}: {error}", ca.display()));
        }
        Ok(())
    }

    fn check_hosts(&self) -> Result<(), ConfigError> {
        for (index, owner) in self.hosts.iter().enumerate() {
            let pattern = &owner.pattern;
            let name = pattern.strip_prefix("*.").unwrap_or(pattern);
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let is_label = |label: &str| !label.is_empty() && label.chars().all(fits);
            if pattern != "*" && !name.split('.').all(is_label) {
                return fail(format!(
                    "hosts[{index}].pattern: `{pattern}` must be a host, `*.` and a domain, or `*`"
                ));
            }
            let same = |before: &HostOwner| before.pattern.eq_ignore_ascii_case(pattern);
            if self.hosts.iter().take(index).any(same) {
                return fail(format!(
                    "hosts[{index}].pattern: `{pattern}` is named twice; list all its projects once"
                ));
            }
            for project in &owner.projects {
                label(&format!("hosts[{index}].projects"), project, 30)
                    .map_err(|error| ConfigError(error.to_string()))?;
            }
        }
        let is_odd = |key: &&String| {
            let prefix = key.strip_suffix("/*").unwrap_or(key);
            prefix.is_empty() || prefix.contains('*')
        };
        match self.expose.annotations.iter().find(is_odd) {
            Some(key) => fail(format!(
                "expose.annotations: `{key}` must be a key, or a prefix and `/*`, such as `cert-manager.io/*`"
            )),
            None => Ok(()),
        }
    }

    fn check_outgoing(&self) -> Result<(), ConfigError> {
        if let Err(error) = Allow::parse(&self.outgoing.allow) {
            return fail(format!("outgoing.allow: {error}"));
        }
        if let Some(ca) = &self.outgoing.ca
            && let Err(error) = std::fs::metadata(ca)
        {
            return fail(format!("outgoing.ca: {}: {error}", ca.display()));
        }
        Ok(())
    }

    fn check_git(&self) -> Result<(), ConfigError> {
        if let Some(entry) = self.egress.unusable() {
            return fail(format!(
                "egress.allow: `{entry}` matches no URL; give `host` or `host:port` in lower case, without scheme, path or `*`"
            ));
        }
        if let Some(ca) = &self.egress.ca
            && let Err(error) = std::fs::metadata(ca)
        {
            return fail(format!("egress.ca: {}: {error}", ca.display()));
        }
        if let Some(key) = self.checkout.unusable() {
            return fail(format!(
                "checkout.{key}: must be at least 1, or no commit could be fetched"
            ));
        }
        Ok(())
    }

    fn check_traces(&self) -> Result<(), ConfigError> {
        let Some(traces) = &self.traces else { return Ok(()) };
        traces.settings().map(|_| ()).map_err(ConfigError)
    }

    fn check_principals(&self) -> Result<(), ConfigError> {
        for (index, principal) in self.principals.iter().enumerate() {
            let at = |problem: &dyn Display| fail(format!("principals[{index}].{problem}"));
            if let Err(problem) = principal.check() {
                return at(&problem);
            }
            if principal.certificate_sha256.is_some() && self.listen.client_ca.is_none() {
                return at(
                    &"certificate-sha256: needs `listen.client-ca`: without it no client is asked for a certificate",
                );
            }
            let before = self.principals.iter().take(index);
            if let Some((key, same)) = principal.same_hash(before) {
                return at(&format!(
                    "{key}: is that of `{}` too; each caller has its own",
                    same.name
                ));
            }
        }
        Ok(())
    }
}

/// Returns whether a login has a user with a password file, or a plugin, and not both.
fn is_one_login(
    username: &Option<String>,
    password_file: &Option<PathBuf>,
    plugin: &Option<String>,
) -> bool {
    username.is_some() == password_file.is_some() && username.is_some() != plugin.is_some()
}

fn fail<T>(message: impl Display) -> Result<T, ConfigError> {
    Err(ConfigError(message.to_string()))
}
