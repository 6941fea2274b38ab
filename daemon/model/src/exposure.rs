//! Hosts, paths and annotations by which releases are reached, and the operator's rules on them.
//!
//! A host leads to one project. The operator may say to which; else it is the one that has the host already.

mod claim;

pub use claim::{Claim, claims};

use crate::{job::Release, spec::SpecError};
use claim::{annotated, unreadable};
use std::collections::BTreeSet;

/// Rules of the operator on what a release exposes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Owners of hosts. Empty means that any project may take a host that no other project has.
    pub hosts: Vec<HostRule>,
    /// Keys of annotations that a Service or a route may have: whole, or `prefix/*`.
    pub annotations: Vec<String>,
    /// Kinds of routes that are taken from `manifests` although nobody can read their hosts, as
    /// `VirtualService.networking.istio.io`.
    pub kinds: Vec<String>,
    /// Names of the clusters that projects share. In a cluster of a project's own no other project is reached, and a host
    /// that is taken there is taken from nobody. Empty means that all clusters are shared.
    pub shared: Vec<String>,
}

/// A rule which projects own hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    /// `shop.example.com`, `*.example.com` for all hosts below, or `*` for all and for routes without a host.
    pub pattern: String,
    /// Projects that may take such a host. Empty means all.
    pub projects: Vec<String>,
}

/// Right of a project to a host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    /// The host is for any project, as long as no other has it.
    Any,
    /// The operator names the project for this host.
    Named,
}

impl Exposure {
    /// Checks a release by the operator's rules alone: owners of hosts, annotations, and kinds of routes.
    ///
    /// # Errors
    /// [`SpecError`] for the first value that is not allowed.
    pub fn check(&self, release: &Release) -> Result<(), SpecError> {
        for (field, key) in annotated(release) {
            if !self.annotations.iter().any(|allowed| is_of(&key, allowed)) {
                let problem = format!(
                    "is not among the annotations that the operator allows, since others can change what a proxy does for other projects; allowed are: {}; the operator adds it to `expose.annotations` of the daemon's configuration",
                    self.annotations.join(", ")
                );
                return Err(SpecError { field, value: key, problem });
            }
        }
        for (field, kind) in unreadable(release) {
            if !self.kinds.contains(&kind) {
                let problem = if kind == claim::EXTERNAL_IPS {
                    "takes the packets of any address on all nodes; remove `spec.externalIPs`, or let the operator add `Service.externalIPs` to `expose.kinds` of the daemon's configuration"
                } else {
                    "leads requests by hosts that cannot be compared with those of other projects; use an Ingress or an HTTPRoute, or let the operator add the kind to `expose.kinds` of the daemon's configuration"
                };
                return Err(SpecError { field, value: kind, problem: problem.into() });
            }
        }
        let project = &release.app.project;
        for claim in claims(release) {
            if let Err(problem) = self.right(project, &claim.host) {
                return Err(claim.error(&problem));
            }
        }
        Ok(())
    }

    /// Compares a release with those that all apps have now. Releases of its own project do not matter, nor do those that
    /// are in clusters of projects' own alone.
    ///
    /// # Errors
    /// [`SpecError`] for a host that another project has. The error does not name that project.
    pub fn compare(&self, release: &Release, others: &[Release]) -> Result<(), SpecError> {
        let project = &release.app.project;
        let is_shared = |cluster: &String| self.shared.is_empty() || self.shared.contains(cluster);
        let is_among_others = |release: &Release| release.clusters.iter().any(is_shared);
        if !is_among_others(release) {
            return Ok(());
        }
        let own = claims(release);
        let others = others.iter().filter(|other| other.app.project != *project);
        for other in others.filter(|other| is_among_others(other)) {
            for theirs in claims(other) {
                // By the operator's rules of today it may not be theirs any more.
                if self.right(&other.app.project, &theirs.host).is_err() {
                    continue;
                }
                let taken = |claim: &&Claim| {
                    let shares =
                        |cluster: &String| is_shared(cluster) && other.clusters.contains(cluster);
                    match self.right(project, &claim.host) {
                        Ok(Right::Any) if claim.goes_before(&theirs) => {
                            release.clusters.iter().any(shares)
                        }
                        _ if claim.host.is_empty() || theirs.host.is_empty() => {
                            claim.is_same(&theirs) && release.clusters.iter().any(shares)
                        }
                        // The operator has given the host to several projects: each has paths of its own.
                        Ok(Right::Named) => claim.is_same_place(&theirs),
                        _ => overlap(&claim.host, &theirs.host),
                    }
                };
                if let Some(claim) = own.iter().find(taken) {
                    let problem = "is taken by a release of another project; choose another host, or ask the operator to give it to this project (`[[hosts]]` in the daemon's configuration)";
                    return Err(claim.error(problem));
                }
            }
        }
        Ok(())
    }

    /// Returns texts of which each release that [`Self::compare`] needs holds one in its stored form. The empty
    /// text stands for all releases.
    #[must_use]
    pub fn searches(&self, release: &Release) -> BTreeSet<String> {
        let domains = |claim: &Claim| {
            // A host overlaps with hosts of the same two last labels, and with a wildcard for the last one.
            let mut labels = claim.host.rsplit('.');
            match (labels.next(), labels.next()) {
                (Some(last), Some("*")) => vec![format!(".{last}")],
                (Some(last), Some(before)) => {
                    vec![format!("{before}.{last}"), format!("*.{last}")]
                }
                _ => vec![claim.host.clone()],
            }
        };
        claims(release).iter().flat_map(domains).collect()
    }

    fn right(&self, project: &str, host: &str) -> Result<Right, String> {
        if self.hosts.is_empty() {
            return Ok(Right::Any);
        }
        let rules = self.hosts.iter().filter(|rule| is_within(host, &rule.pattern));
        let is_exact = |rule: &HostRule| !rule.pattern.starts_with('*');
        let closest = rules.max_by_key(|rule| (is_exact(rule), rule.pattern.len()));
        match closest {
            None => Err("is not among the hosts of the operator (`[[hosts]]` in the daemon's configuration); choose one that is, or ask for it".into()),
            Some(rule) if rule.projects.is_empty() => Ok(Right::Any),
            Some(rule) if rule.projects.iter().any(|name| name == project) => Ok(Right::Named),
            Some(rule) => Err(format!(
                "is for other projects: `[[hosts]]` in the daemon's configuration gives `{}` to them; choose another host, or ask the operator",
                rule.pattern
            )),
        }
    }
}

/// Checks that a release takes no host but that of its preview, also by the repository's own objects: those that it brings
/// for production would lead production's requests to the preview. `None` means that the preview has no host.
///
/// # Errors
/// [`SpecError`] for the first other host, and for a route without one.
pub fn check_preview(release: &Release, host: Option<&str>) -> Result<(), SpecError> {
    // A Gateway of the preview's own, or a Service, has what others do not have.
    let inner = format!("{}/", release.app.namespace());
    let is_own = |claim: &Claim| {
        host.is_some_and(|host| claim.host.eq_ignore_ascii_case(host))
            || (claim.host.is_empty() && claim.by.starts_with(&inner))
    };
    match claims(release).iter().find(|claim| !is_own(claim)) {
        None => Ok(()),
        Some(claim) => Err(claim.error(
            "is no host of this preview, and would lead requests of other environments to it; remove the route from `manifests`: `expose` and `previews.host` give each environment a host of its own",
        )),
    }
}

/// Returns whether an annotation's key is one that is allowed: the same, or below `prefix/*`.
fn is_of(key: &str, allowed: &str) -> bool {
    match allowed.strip_suffix('*') {
        Some(prefix) => prefix.ends_with('/') && key.starts_with(prefix),
        None => key == allowed,
    }
}

/// Returns whether a host lies below a domain: `a.b.c` below `b.c`.
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Returns whether all that a host stands for is within a pattern.
fn is_within(host: &str, pattern: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    match (pattern.strip_prefix("*."), host.strip_prefix("*.")) {
        (Some(domain), Some(below)) => below == domain || is_below(below, domain),
        (Some(domain), None) => is_below(host, domain),
        (None, _) => host == pattern,
    }
}

/// Returns whether a request can be for both hosts.
fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

#[cfg(test)]
mod tests;
