//! Deliveries: takes what forges report, and shows what came of it.

use crate::{
    caller::Caller, check, error::ServiceError, finish::finish, services::Services, verb::Verb,
};
use uuid::Uuid;
use windlass_engine::ports::store::{Arrival, DeliveryFilter, HookRecord};
use windlass_model::{
    app::label,
    clock::now_ms,
    delivery::{Change, Delivery, PullAction, PullMove, RefMove, Report, Verdict, VerdictOutcome},
};

/// Number of deliveries on a page by default, and at most.
const PAGE: (u32, u32) = (50, 500);

/// Number of characters of a project's longest name.
const LONGEST_PROJECT: usize = 30;

/// Event of a delivery that a caller has sent in once more.
pub(crate) const REPLAY: &str = "replay";

/// Choice of deliveries.
#[derive(Clone, Debug, Default)]
pub struct DeliveriesRequest {
    pub project: String,
    /// Name of the repository. `None` means all.
    pub repository: Option<String>,
    /// [`DeliveryPage::next`] of the page before. `None` means that the list begins with the newest.
    pub before: Option<String>,
    /// Number of deliveries on a page, at most 500. 0 means 50.
    pub limit: u32,
}

/// Page of deliveries, newest first.
#[derive(Clone, Debug)]
pub struct DeliveryPage {
    pub deliveries: Vec<Delivery>,
    /// Id after which the next page begins. `None` means that this page is the last.
    pub next: Option<String>,
}

/// A verified delivery as it was stored.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Id of the delivery, or of the first where this one repeats it.
    pub id: String,
    /// The forge did not send it before.
    pub is_new: bool,
    /// Verdicts on it. Empty means that it is being looked at.
    pub verdicts: Vec<Verdict>,
}

impl Services {
    /// Stores a delivery that the door has verified, and wakes the worker. A repeat is the first one with its verdicts.
    ///
    /// # Errors
    /// The store fails: the forge is to send the delivery again.
    pub async fn accept_delivery(
        &self,
        hook: &HookRecord,
        report: Report,
        body_sha256: String,
    ) -> Result<Arrived, ServiceError> {
        let at_ms = now_ms();
        let is_foreign = is_foreign(hook, &report);
        let verdicts = if is_foreign {
            vec![repository_changed(hook, &report)]
        } else {
            at_once(&report.change).into_iter().collect()
        };
        let learned = if is_foreign { String::new() } else { report.repository_id.clone() };
        let delivery = Delivery {
            id: Uuid::now_v7().to_string(),
            hook: hook.id.clone(),
            project: hook.project.clone(),
            repository: hook.repository.clone(),
            report,
            body_sha256,
            at_ms,
            verdicts,
        };
        let (deliveries, hooks, intake) =
            (self.deliveries.clone(), self.hooks.clone(), self.intake.clone());
        finish(async move {
            let arrival = deliveries.add_delivery(&delivery).await?;
            if let Err(error) = hooks.saw_hook(&delivery.hook, at_ms, &learned).await {
                tracing::warn!(hook = delivery.hook, %error, "the time of a delivery is not recorded");
            }
            Ok(match arrival {
                Arrival::New => {
                    if delivery.verdicts.is_empty() {
                        intake.notify_one();
                    }
                    Arrived { id: delivery.id, is_new: true, verdicts: delivery.verdicts }
                }
                Arrival::Known(first) => {
                    Arrived { id: first.id, is_new: false, verdicts: first.verdicts }
                }
            })
        })
        .await
    }

    /// Returns a page of deliveries.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a page that is too large.
    pub async fn list_deliveries(
        &self,
        caller: &Caller,
        request: DeliveriesRequest,
    ) -> Result<DeliveryPage, ServiceError> {
        let DeliveriesRequest { project, repository, before, limit } = request;
        label("project", &project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, &project)?;
        let limit = check::page(limit, PAGE.0, PAGE.1)?;
        let filter = DeliveryFilter { project, repository, before, limit };
        let deliveries = self.deliveries.deliveries(&filter).await?;
        let is_full = u32::try_from(deliveries.len()).is_ok_and(|count| count == limit);
        let next = deliveries.last().map(|last| last.id.clone()).filter(|_| is_full);
        Ok(DeliveryPage { deliveries, next })
    }

    /// Returns a delivery.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no delivery has.
    pub async fn delivery(&self, caller: &Caller, id: &str) -> Result<Delivery, ServiceError> {
        let delivery = self.find_delivery(id).await?;
        caller.may(Verb::Read, &delivery.project)?;
        Ok(delivery)
    }

    /// Looks at the refs of a delivery once more, as a new delivery, which is returned. Triggers deploy what the refs
    /// lead to now, also where they deployed it before.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no delivery has, [`ServiceError::Conflict`] for one without refs.
    pub async fn replay_delivery(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Delivery, ServiceError> {
        let old = self.find_delivery(id).await?;
        caller.may(Verb::Projects, &old.project)?;
        let change = match old.report.change {
            Change::Refs(moves) => {
                let moves = moves.into_iter().map(|moved| RefMove { before: None, ..moved });
                Change::Refs(moves.collect())
            }
            // It opens nothing that was closed meanwhile.
            Change::Pull(pull) if pull.action != PullAction::Closed => {
                Change::Pull(PullMove { action: PullAction::Updated, ..pull })
            }
            _ => {
                return Err(ServiceError::Conflict {
                    reason: "nothing-to-replay",
                    message: format!("delivery {id} moved no branch, no tag and no pull request"),
                    fix: "replay one that did, or deploy by hand: windlass submit".into(),
                });
            }
        };
        let report = Report {
            event: REPLAY.into(),
            forge_id: String::new(),
            sender: caller.name.clone(),
            change,
            ..old.report
        };
        let new = Delivery {
            id: Uuid::now_v7().to_string(),
            hook: String::new(),
            report,
            body_sha256: String::new(),
            at_ms: now_ms(),
            verdicts: Vec::new(),
            ..old
        };
        let (deliveries, intake, stored) =
            (self.deliveries.clone(), self.intake.clone(), new.clone());
        finish(async move {
            deliveries.add_delivery(&stored).await?;
            intake.notify_one();
            Ok(())
        })
        .await?;
        Ok(new)
    }

    /// Finds a delivery, whoever may see it.
    async fn find_delivery(&self, id: &str) -> Result<Delivery, ServiceError> {
        let found = self.deliveries.delivery(id).await?;
        found.ok_or_else(|| ServiceError::NotFound {
            what: "delivery",
            id: id.chars().take(80).collect(),
            fix: "list them: windlass deliveries PROJECT".into(),
        })
    }
}

/// Returns whether a delivery is of another repository than those before. A rename keeps the id.
fn is_foreign(hook: &HookRecord, report: &Report) -> bool {
    let known = hook.repository_id.as_deref().unwrap_or_default();
    !known.is_empty() && !report.repository_id.is_empty() && known != report.repository_id
}

fn repository_changed(hook: &HookRecord, report: &Report) -> Verdict {
    let known = hook.repository_id.as_deref().unwrap_or_default();
    let (id, name) = (&report.repository_id, &report.repository_name);
    Verdict {
        subject: String::new(),
        trigger: String::new(),
        outcome: VerdictOutcome::Failed {
            code: "repository-changed".into(),
            fix: format!(
                "if it is the same repository in a new place: windlass hook delete {project} {hook}, then windlass hook create {project} {repository}",
                project = hook.project,
                hook = hook.id,
                repository = hook.repository,
            ),
        },
        sentence: format!(
            "the delivery is of repository {id} ({name}), and the hook is of repository {known}"
        ),
    }
}

/// Returns the verdict on a change that no repository has to be asked about. `None` means that the worker decides.
pub(crate) fn at_once(change: &Change) -> Option<Verdict> {
    let (subject, sentence) = match change {
        Change::Refs(_) | Change::Pull(_) => return None,
        Change::Ping => (String::new(), "the hook works; a push will be looked at".to_owned()),
        Change::Ignored(why) => (String::new(), why.clone()),
    };
    let outcome = VerdictOutcome::Nothing;
    Some(Verdict { subject, trigger: String::new(), outcome, sentence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller};

    fn hook(repository_id: Option<&str>) -> HookRecord {
        HookRecord {
            id: "abcdefghijklmnopqrstuvwxyz".into(),
            project: "shop".into(),
            repository: "web".into(),
            created_ms: 1,
            by: "owner".into(),
            previous_until_ms: None,
            seen_ms: None,
            repository_id: repository_id.map(Into::into),
        }
    }

    fn report(forge_id: &str, change: Change) -> Report {
        Report {
            event: "push".into(),
            forge_id: forge_id.into(),
            repository_id: "7".into(),
            repository_name: "acme/web".into(),
            sender: "ann".into(),
            change,
        }
    }

    fn refs() -> Change {
        let name = "refs/heads/main".into();
        let moved = RefMove {
            name,
            before: None,
            after: Some("a".into()),
            summary: String::new(),
            skips_checks: false,
        };
        Change::Refs(vec![moved])
    }

    #[tokio::test]
    async fn a_repeat_is_answered_with_the_first_delivery_and_its_verdict() {
        let World { services, .. } = World::new();
        let first = services.accept_delivery(&hook(None), report("g1", refs()), "00".into()).await;
        let first = first.unwrap();
        assert!(first.is_new && first.verdicts.is_empty());
        let verdict = at_once(&Change::Ping).unwrap();
        services.deliveries.decide(&first.id, std::slice::from_ref(&verdict)).await.unwrap();
        let again = services.accept_delivery(&hook(None), report("g1", refs()), "00".into()).await;
        let again = again.unwrap();
        assert_eq!((again.id, again.is_new, again.verdicts), (first.id, false, vec![verdict]));
    }

    #[tokio::test]
    async fn what_needs_no_repository_is_decided_at_once() {
        let World { services, .. } = World::new();
        for (change, subject, word) in
            [(Change::Ping, "", "the hook works"), (Change::Ignored("a star".into()), "", "a star")]
        {
            let report = report("", change);
            let arrived = services.accept_delivery(&hook(None), report, String::new()).await;
            let arrived = arrived.unwrap();
            let [verdict] = &*arrived.verdicts else { panic!("{:?}", arrived.verdicts) };
            assert_eq!((&*verdict.subject, &verdict.outcome), (subject, &VerdictOutcome::Nothing));
            assert!(verdict.sentence.contains(word), "{}", verdict.sentence);
        }
        assert!(services.deliveries.undecided(10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_foreign_repository_is_refused_where_it_is_seen_and_a_renamed_one_is_not() {
        let World { services, .. } = World::new();
        let renamed = Report { repository_name: "acme/new".into(), ..report("", refs()) };
        let arrived = services.accept_delivery(&hook(Some("7")), renamed, String::new()).await;
        assert!(arrived.unwrap().verdicts.is_empty());
        let moved = hook(Some("8"));
        let foreign = services.accept_delivery(&moved, report("", refs()), String::new());
        let verdicts = foreign.await.unwrap().verdicts;
        let VerdictOutcome::Failed { code, fix } = &verdicts[0].outcome else {
            panic!("{verdicts:?}")
        };
        assert_eq!(code, "repository-changed");
        assert!(fix.contains("windlass hook create shop web"), "{fix}");
    }

    #[tokio::test]
    async fn a_replay_is_a_new_delivery_of_its_caller() {
        let World { services, .. } = World::new();
        let fresh = hook(None);
        let accepted = services.accept_delivery(&fresh, report("g1", refs()), "00".into());
        let id = accepted.await.unwrap().id;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        services.replay_delivery(&reader, &id).await.unwrap_err();
        let owner = caller("owner", &["shop"], &[Verb::Projects, Verb::Read]);
        let new = services.replay_delivery(&owner, &id).await.unwrap();
        assert!(new.id != id && new.hook.is_empty() && new.verdicts.is_empty());
        assert_eq!((&*new.report.event, &*new.report.sender), (REPLAY, "owner"));
        assert_eq!(services.delivery(&reader, &new.id).await.unwrap(), new);
        let request = DeliveriesRequest { project: "shop".into(), ..DeliveriesRequest::default() };
        let page = services.list_deliveries(&reader, request).await.unwrap();
        assert_eq!(page.deliveries.iter().map(|d| &*d.id).collect::<Vec<_>>(), [&*new.id, &*id]);
        let ping = services.accept_delivery(&fresh, report("", Change::Ping), String::new());
        let error = services.replay_delivery(&owner, &ping.await.unwrap().id).await.unwrap_err();
        assert_eq!(error.reason(), "nothing-to-replay");
        let error = services.delivery(&reader, "none").await.unwrap_err();
        assert_eq!(error.fixes(), ["list them: windlass deliveries PROJECT"]);
    }
}
