//! Pages of the strategies in `deploy/reference/strategies.md`, with the steps of real plans. `WINDLASS_BLESS=1`
//! writes them.

use super::{Plan, Previous, Step, plan};
use crate::{
    cluster::RolloutOrder,
    job::Release,
    samples,
    spec::{Detected, Spec},
};
use std::{collections::BTreeMap, fmt::Write};

/// Page of one strategy.
struct Page {
    /// Heading of the page.
    title: &'static str,
    /// Words on what it does.
    what: &'static str,
    /// `windlass.toml` of the example.
    file: &'static str,
    /// Clusters of the example, in order.
    clusters: &'static [&'static str],
    /// Lines on what it needs from the cluster.
    needs: &'static str,
    /// Words on what is special, after the steps.
    notes: &'static str,
}

const HEAD: &str = "\
# Strategies

<!-- Made by a test of daemon/model, from its plans: WINDLASS_BLESS=1 cargo test -p windlass-model plan::pages -->

A strategy says how requests get from the version that serves to the new one. `[strategy]` in `windlass.toml` chooses it;
all keys are in [windlass.schema.json](windlass.schema.json). Without it a release is rolling. `windlass plan` shows the steps
of a release, and those of its rollback, before anything happens. [strategy-runs.md](strategy-runs.md) has a run of each on a
real cluster, and one that is put back.

| strategy | two versions answer | a wait for people or metrics | needs twice the pods | the way to the version before |
|---|---|---|---|---|
| `rolling` | for seconds | no | only in `windlass rollback` | pods are replaced again |
| `recreate` | never: nothing answers meanwhile | no | no | pods are replaced again |
| `blue-green` | never | before the switch | yes | one write, as long as the old pods are kept |
| `canary` | for as long as you say | at each weight | at the end; by numbers of pods from weight 50 on | one write, until the end of the release |

For all of them:

- **A first release** in a cluster comes at once: there are no requests to share. If it fails, it is scaled to 0.
- **A failure** of any step but the last, and an abort in one, lead to the same rollback. A step that was not begun is not
  rolled back, and neither is a cluster that was not changed.
- **The last step** comes when the release serves in all clusters, and only deletes, or stores that something is deleted
  later. What it cannot delete is warned of, and deleted by the next release. A pause or an abort in it is
  refused. Where the journal does not know what served, it leads the requests, too: there its failure fails the release.
- **A newer job** of the app: a blue-green or canary release ends for it, by the same rollback, until all requests are
  switched. Any other ends for it until it changes data or replaces pods. A rollback is waited for.
- **A kill of the daemon** at any place is no failure: the next one goes on at the step where it stood. A hold begins again.
- **Only `web` has two versions side by side.** Other processes, which get no requests through the Service, are replaced
  after the switch by a rolling update; scheduled ones run the new version from then on.
- **Several clusters in sequence**: the first one in which something serves has the whole strategy. Once it is well the
  others are switched at once. Several clusters together share each step, and one approval is for all.
- **Migrations** (`[migrate]`) come before the first pod of the new version, in each cluster: `plan`, `backup`, `expand`. A
  failure ends the release where it stands: no request came to the new version. No rollback undoes or repeats one.
- **Hooks before traffic** run after them and before the first pod of the new version, once for each cluster.
- **A rollback** (`windlass rollback`) is one switch, without holds, approvals and metrics: that version has served before.
  To a `rolling` release it is a rolling update, and a switch while the release that serves keeps the pods of before.
- **Another strategy** from one release to the next needs nothing: pods of `rolling` are replaced where they are, and
  `blue-green` and `canary` come up beside them, named `APP-blue` and `APP-green` in turns. A `stateful` `web` has always
  the plain name, so that it keeps its volumes; where it follows a release that was blue or green, nothing answers until
  its first pod is ready.
";

const PAGES: [Page; 6] = [
    Page {
        title: "rolling",
        what: "\
Old pods end as new ones are ready, at most a quarter more at once, and in `windlass rollback` all at once. No pod ends
before another one is ready, also with one replica. Volumes that only one node has at a time make it `recreate`.",
        file: "",
        clusters: &["default"],
        needs: "Room for one more pod, or a quarter more. For `windlass rollback`, room for twice the pods.",
        notes: "",
    },
    Page {
        title: "recreate",
        what: "\
Old pods end before new ones start. Nothing answers between: for apps of which two versions must never run at once.",
        file: "[strategy]\nkind = \"recreate\"\n",
        clusters: &["default"],
        needs: "Nothing.",
        notes: "The steps are those of `rolling`. The Deployment has the type `Recreate`.",
    },
    Page {
        title: "blue-green",
        what: "\
As many new pods as old ones come up beside them. They are asked for a page at an address of their own, the Service
`APP-preview`, are watched for a time, and wait for an approval, each if you say so. Then one write to the Service's selector
switches all requests. The old pods are kept for ten minutes.",
        file: "[strategy]\nkind = \"blue-green\"\ncheck = \"/healthz\"\nhold-seconds = 30\ngates = [100]\n",
        clusters: &["default"],
        needs: "\
- Room for twice the pods of `web`.
- For `check`, the right to `get` `services/proxy`: the page is asked for through the API server.
- A `web` without a volume that only one node has at a time, and which is not `stateful`: it is refused before the build.",
        notes: "\
Connections that are open at the switch stay with the old pods until these end. No request comes to the new version before
the switch, so that `metrics` need a `query` of your own here.

What the version before has and the new one has not stays until the old pods go: its removed processes, too. The next
release, a rollback or the end of the time deletes it. Within the time a rollback to the version before finds its pods
ready, and is one write. Only one to a release of `recreate` replaces pods.",
    },
    Page {
        title: "canary, by weights of a Gateway",
        what: "\
New pods come up beside the old ones and get a growing share of the requests: 5, 25, 50 and 100 % if you say nothing else.
There are always as many as their share needs, before they get it, and all old pods stay until the end.",
        file: "[expose]\nhosts = [\"shop.example.com\"]\ngateway = \"infra/public\"\n\n[strategy]\nkind = \"canary\"\ngates = [100]\n\n[strategy.metrics.errors]\nbuiltin = \"success-rate\"\nmin = 99\n",
        clusters: &["default"],
        needs: "\
- The Gateway API (`HTTPRoute`, v1), a controller that applies weights of `backendRefs`, and a Gateway that lets the
  namespace attach.
- The right to write `httproutes`, and for `metrics` a Prometheus of the cluster in `windlassd.toml`.
- At the end, room for twice the pods of `web`.",
        notes: "\
Windlass goes on once the route's status shows that the Gateway has taken each weight. Only requests through the Gateway are
shared: those within the cluster, to the Service, come to the old version until the end. Without sticky sessions at the
Gateway a person may see both versions in turns.

A metric ends the release when it is out of its bounds more than `failures` times, when it has no value more than
`inconclusive` times in a row, and when it was never within its bounds in a hold, or lost its value for most of it. So
does a pod of the new version that breaks.",
    },
    Page {
        title: "canary, by numbers of pods",
        what: "\
Without a Gateway and without Istio the Service selects the pods of both versions, and their numbers make the share. It is
coarse: of two old pods and a new one each third request is new. The event names the numbers.",
        file: "[strategy]\nkind = \"canary\"\nweights = [10, 50, 100]\nhold-seconds = 120\ngates = [50, 100]\n",
        clusters: &["default"],
        needs: "\
- Nothing beside room: for the weights 50 and 100 as many new pods as there are old ones.
- No weights between 50 and 100: the old version keeps all of its pods until the end.",
        notes: "\
New pods get requests as soon as they are ready, from the second weight on: an approval of a weight is waited for before
they start. Old pods of an earlier release that are still kept are deleted first: the Service would select them, too.",
    },
    Page {
        title: "canary, by weights of Istio, in two clusters",
        what: "\
As with a Gateway, and a `VirtualService` named like the app has the weights, for the app's name within the mesh and for
`expose.hosts`. It also shows what a second cluster does.",
        file: "[strategy]\nkind = \"canary\"\ntraffic = \"istio\"\nweights = [20, 100]\n",
        clusters: &["eu", "us"],
        needs: "\
- Istio's CRDs (`networking.istio.io/v1`), and callers with a sidecar or an ambient waypoint.
- The right to write `virtualservices`.",
        notes: "\
Requests of callers outside of the mesh are not shared: they come to the Service, whose pods are the old ones until the end.",
    },
];

/// Returns a release of the example, at a commit of this name.
fn release(page: &Page, commit: &str, file: &str) -> Release {
    let spec = Spec::from_toml(file).unwrap_or_else(|error| panic!("{}: {error}", page.title));
    let runtime = spec.resolve(&Detected::default(), Vec::new());
    let clusters = page.clusters.iter().map(ToString::to_string).collect();
    let (id, commit) = (commit.into(), commit.into());
    Release { id, commit, clusters, runtime, ..samples::release() }
}

fn planned(page: &Page) -> Plan {
    let old = release(page, "old", "");
    let all = page.clusters.iter();
    let previous: BTreeMap<_, _> = all
        .map(|cluster| (cluster.to_string(), Previous::Release(Box::new(old.clone()))))
        .collect();
    plan(&release(page, "new", page.file), RolloutOrder::Sequential, &previous, &[])
}

/// Returns the steps of each rollback, after the steps of the release that lead to it.
fn rollbacks(plan: &Plan) -> String {
    let mut all: Vec<(usize, usize, Vec<Step>)> = Vec::new();
    // The last step is seen through, and a failure of it is warned of.
    for begun in 1..plan.forward.len() {
        let steps = plan.rollback_from(begun);
        match all.last_mut() {
            Some((_, last, same)) if *same == steps => *last = begun,
            _ => all.push((begun, begun, steps)),
        }
    }
    let is_one = all.len() == 1;
    let mut text = String::new();
    for (first, last, steps) in all {
        if is_one {
            text.push_str("\nRolled back after any of them but the last:\n\n");
        } else {
            let _ = write!(text, "\nRolled back after the steps {first} to {last}:\n\n");
        }
        for (index, step) in steps.iter().enumerate() {
            let _ = writeln!(text, "{}. {step}", index + 1);
        }
    }
    text
}

fn text() -> String {
    let mut text = HEAD.to_owned();
    for page in &PAGES {
        let plan = planned(page);
        let _ = write!(text, "\n## {}\n\n{}\n\n", page.title, page.what);
        if !page.file.is_empty() {
            let _ = write!(text, "```toml\n{}```\n\n", page.file);
        }
        let _ = write!(text, "What it needs from the cluster:\n\n{}\n\nSteps:\n\n", page.needs);
        for (index, step) in plan.forward.iter().enumerate() {
            let _ = writeln!(text, "{}. {step}", index + 1);
        }
        text.push_str(&rollbacks(&plan));
        if !page.notes.is_empty() {
            let _ = write!(text, "\n{}\n", page.notes);
        }
    }
    text
}

#[test]
fn the_published_strategies_are_of_this_code() {
    let file = windlass_blessed::reference("strategies.md");
    assert!(windlass_blessed::holds(&file, &text()), "{} is not of this code", file.display());
}
