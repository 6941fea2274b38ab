//! The rules of the configuration that its types do not hold.

use super::{Config, ConfigError, Registry};
use std::fmt::Display;
use windlass_model::app::label;

impl Config {
    /// Checks all rules. The error names the key, what is expected and what to do.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.registry.is_empty() || self.registry.ends_with('/') || self.registry.contains("://")
        {
            return fail(
                "registry: a host, perhaps with a path, such as `registry.example.com/apps`",
            );
        }
        if self.jobs == 0 {
            return fail("jobs: must be at least 1");
        }
        self.check_journal()?;
        self.check_clusters()?;
        self.check_registries()?;
        self.check_listen()?;
        self.check_principals()
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

    fn check_registries(&self) -> Result<(), ConfigError> {
        for Registry { host, username, password_file, plugin, .. } in &self.registries {
            let is_fixed = username.is_some() && password_file.is_some();
            let is_half = username.is_some() != password_file.is_some();
            if is_half || is_fixed == plugin.is_some() {
                return fail(format!(
                    "registries: {host}: needs either `username` and `password-file`, or `plugin`"
                ));
            }
        }
        Ok(())
    }

    fn check_listen(&self) -> Result<(), ConfigError> {
        if self.listen.certificate.is_some() != self.listen.key.is_some() {
            return fail("listen: `certificate` and `key` belong together");
        }
        if self.listen.client_ca.is_some() && self.listen.certificate.is_none() {
            return fail("listen.client-ca: needs `certificate` and `key`");
        }
        if let (Some(address), None) = (self.listen.tcp, &self.listen.certificate)
            && !address.ip().is_loopback()
        {
            return fail(
                "listen.tcp: an address that others reach needs `certificate` and `key`, or tokens would travel in clear",
            );
        }
        Ok(())
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

fn fail<T>(message: impl Display) -> Result<T, ConfigError> {
    Err(ConfigError(message.to_string()))
}
