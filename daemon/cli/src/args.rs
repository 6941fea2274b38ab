//! The command line.

use crate::codes::Codes;
use clap::{Parser, Subcommand, ValueEnum};
use source::pair;
use std::{path::PathBuf, time::Duration};

mod approval;
mod cluster;
mod contract;
mod dashboard;
mod delivery;
mod hook;
mod outbox;
mod project;
mod queue;
mod registry;
mod remove;
mod shown;
mod source;

pub(crate) use approval::{Approve, Intervene, Reject};
pub(crate) use cluster::Cluster;
pub(crate) use contract::Contract;
pub(crate) use dashboard::Dashboard;
pub(crate) use delivery::{Deliveries, Delivery};
pub(crate) use hook::Hook;
pub(crate) use outbox::Outbox;
pub(crate) use project::Project;
pub(crate) use queue::{Dead, Queue};
pub(crate) use registry::{PutRegistry, Registry};
pub(crate) use remove::Remove;
pub(crate) use shown::Shown;
pub(crate) use source::Source;

/// Deploy a commit, watch it, roll it back.
///
/// Exit codes: 0 done, or the job waits for an approval before its release; 1 the job failed or was
/// stopped; 2 the request was wrong; 3 the daemon does not answer; 130 Ctrl-C while a job was
/// watched, which goes on; 141 nobody reads the output.
#[derive(Parser)]
#[command(name = "windlass", version)]
pub(crate) struct Args {
    /// Address of the daemon: unix:///path, http://host:port or https://host:port.
    #[arg(
        long,
        global = true,
        env = "WINDLASS_ADDRESS",
        default_value = "unix:///var/lib/windlass/windlass.sock"
    )]
    pub(crate) address: String,
    /// A bearer token, for TCP.
    #[arg(long, global = true, env = "WINDLASS_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// A file that holds the token.
    #[arg(long, global = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// A CA to trust for https, PEM. Default: the system's.
    #[arg(long, global = true)]
    pub(crate) ca: Option<PathBuf>,
    /// A certificate to show to the daemon, PEM, where it asks clients for one.
    #[arg(long, global = true, requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's key, PEM.
    #[arg(long, global = true, requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Form of the output: for people, or JSON with one object a line.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Colours, for people. `auto`: on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Deploy a commit, and watch it to its end. Ctrl-C leaves the job running.
    Submit {
        #[command(flatten)]
        source: Source,
        /// Do not watch; print the job and return.
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        shown: Shown,
        /// Id of the request: a repeat with the same id is the same job.
        #[arg(long)]
        request_id: Option<String>,
        /// Seconds until the plan must be made.
        #[arg(long)]
        timeout: Option<u32>,
        /// KEY=VALUE, kept and shown with the job.
        #[arg(long, value_parser = pair)]
        label: Vec<(String, String)>,
        /// Deploy to the preview environment pr-NAME, within the limits of the project's file.
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        preview: String,
        /// Order of several clusters: one after the other, or all at once. Default: the operator's.
        #[arg(long)]
        cluster_order: Option<ClusterOrder>,
    },
    /// Show what a submit would do: evidence, Dockerfile, changes in the cluster. Changes nothing.
    ///
    /// `windlass plan ./folder` plans a folder of this machine, without a commit and without a cluster: its files are
    /// sent to the daemon, those of a git repository without what it ignores.
    Plan {
        #[command(flatten)]
        source: Source,
        /// Project of a folder of this machine: its plugins are asked.
        #[arg(long, default_value = "local")]
        project: String,
    },
    /// Write Dockerfile and Kubernetes objects as plain files, to own them and go on without
    /// Windlass.
    Eject {
        #[command(flatten)]
        source: Source,
        /// A folder that is new or empty.
        #[arg(long)]
        to: PathBuf,
        /// The image that the objects run, such as registry.example.com/shop/web@sha256:….
        #[arg(long)]
        image: String,
    },
    /// Write a commented windlass.toml from what is detected in the repository.
    Init {
        /// project/app or project/app/environment.
        app: String,
        /// The repository's URL. Default: `origin` of the working folder's.
        #[arg(long)]
        repository: Option<String>,
        /// A commit, branch or tag, which must be pushed. Default: the working folder's commit.
        #[arg(long)]
        revision: Option<String>,
        /// Folder of the app within the repository. Default: the working folder.
        #[arg(long)]
        directory: Option<String>,
        /// Name of the project's secret that holds user:token for the repository.
        #[arg(long, default_value = "")]
        credential: String,
        /// The file to write.
        #[arg(long, default_value = "windlass.toml")]
        to: PathBuf,
    },
    /// Explain the code of a failure: its meaning, its causes and their fixes. Without a code: list all.
    Explain {
        /// A code such as tests-failed, a reference such as WL-K8S-020, or its number.
        #[arg(value_parser = Codes, hide_possible_values = true)]
        code: Option<String>,
    },
    /// Print the JSON schema of windlass.toml, for editors.
    Schema,
    /// Follow a job's events to its end. Ctrl-C leaves the job running.
    Watch {
        /// Id of the job.
        id: String,
        /// Show only what comes after this event.
        #[arg(long, default_value_t = 0)]
        after: u64,
        #[command(flatten)]
        shown: Shown,
    },
    /// List jobs, newest first.
    Jobs {
        /// Only jobs of this project.
        #[arg(long)]
        project: Option<String>,
        /// Only jobs of this app.
        #[arg(long)]
        app: Option<String>,
        /// Only jobs in this state: waiting, running, held, rolling-back, succeeded, failed, stopped.
        #[arg(long)]
        state: Vec<String>,
        /// Largest number of jobs.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show a job, and how it ended.
    Show {
        /// Id of the job.
        id: String,
        /// Show the events of the job, too.
        #[arg(long)]
        events: bool,
        /// Show which plugins were asked, what each call took, and how it ended.
        #[arg(long, conflicts_with = "events")]
        plugins: bool,
    },
    /// Ask a job to stop: what ran before still serves.
    Cancel {
        /// Id of the job.
        id: String,
    },
    /// Approve what a job waits for: it goes on.
    #[command(after_long_help = approval::APPROVE)]
    Approve(Approve),
    /// End a job that waits for an approval: what ran before still serves.
    Reject(Reject),
    /// Let a release take no further step: both versions keep the requests that they have.
    #[command(after_long_help = approval::PAUSE)]
    Pause(Intervene),
    /// Let a release go on that was paused.
    Resume(Intervene),
    /// End a release that is under way: what ran before is put back.
    Abort(Intervene),
    /// Show what serves an app, where, since when, by whom, its health and its last jobs.
    Status {
        /// project/app or project/app/environment.
        app: String,
    },
    /// Show what an app prints: the last lines, then live. Ctrl-C ends the output; the app goes on.
    Logs {
        /// project/app or project/app/environment.
        app: String,
        /// Show only what was printed until now.
        #[arg(long)]
        no_follow: bool,
        /// Only lines of this process, such as `worker`.
        #[arg(long, default_value = "")]
        process: String,
        /// Only lines from this cluster.
        #[arg(long, default_value = "")]
        cluster: String,
        /// Lines of the run before the last restart of each container.
        #[arg(long)]
        previous: bool,
        /// Number of lines of each container's past.
        #[arg(long, default_value_t = 100)]
        tail: u32,
        /// Only lines that are younger, such as 10m or 2h.
        #[arg(long, value_parser = humantime::parse_duration)]
        since: Option<Duration>,
        /// Show times, by the clock of this machine.
        #[arg(long)]
        timestamps: bool,
    },
    /// List an app's releases, newest first.
    Releases {
        /// project/app or project/app/environment.
        app: String,
    },
    /// Put an earlier release back, and watch. Nothing is built.
    Rollback {
        /// project/app or project/app/environment.
        app: String,
        /// A release's id or a commit. Default: the release before the one that serves.
        #[arg(long, default_value = "")]
        to: String,
        /// Only in this cluster; may be repeated. Default: the clusters of the release, or of the
        /// newest one.
        #[arg(long)]
        cluster: Vec<String>,
        /// Order of several clusters: one after the other, or all at once. Default: the operator's.
        #[arg(long)]
        cluster_order: Option<ClusterOrder>,
        /// Do not watch.
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        shown: Shown,
    },
    /// Take out of an app's data what only releases before the one that serves work with.
    #[command(after_long_help = contract::CONTRACT)]
    Contract(Contract),
    /// Delete all that was made for an app in an environment, and nothing else.
    #[command(after_long_help = remove::REMOVE)]
    Remove(Remove),
    /// List a project's preview environments, those that were pushed last first.
    Previews {
        /// Name of the project.
        project: String,
    },
    /// Put, list and delete a project's secrets. Values are never shown.
    #[command(subcommand)]
    Secret(Secret),
    /// Put, test, list and remove a project's own clusters. Kubeconfigs are never shown.
    #[command(subcommand)]
    Cluster(Cluster),
    /// Apply, show and list projects: repositories, triggers, endpoints.
    #[command(subcommand)]
    Project(Project),
    /// Make, rotate, test and list the webhooks that forges call.
    #[command(subcommand)]
    Hook(Hook),
    /// Put, list, test and remove registries of a project's own. Logins are never shown.
    #[command(subcommand)]
    Registry(Registry),
    /// List what forges reported, newest first, each with what came of it: which job, or why nothing was deployed.
    #[command(after_long_help = delivery::LIST)]
    Deliveries(Deliveries),
    /// Show a delivery of a forge, or deploy it once more.
    #[command(subcommand)]
    Delivery(Delivery),
    /// List, show, replay and drop messages to forges and endpoints.
    #[command(subcommand)]
    Outbox(Outbox),
    /// Print the address of the page, with a link that logs a browser in: once, as whoever the token is of.
    #[command(after_long_help = dashboard::DASHBOARD)]
    Dashboard(Dashboard),
    /// List, show, replay and drop messages of the broker's queue that could become no job.
    #[command(subcommand)]
    Queue(Queue),
    /// List, look into and reload the daemon's plugins.
    #[command(subcommand)]
    Plugin(Plugin),
    /// Print a completion script.
    Completion {
        /// Shell that the script is for.
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ClusterOrder {
    /// One after the other. Each is healthy before the next is touched.
    Sequential,
    /// All at once.
    Parallel,
}

#[derive(Subcommand)]
pub(crate) enum Secret {
    /// Read a value from standard input, or a file, and seal it.
    Put {
        /// Project of the secret.
        project: String,
        /// Name of the secret.
        name: String,
        /// File with the value. Default: standard input.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// List names and versions.
    List {
        /// Project of the secrets.
        project: String,
    },
    /// Delete all versions of a secret.
    Delete {
        /// Project of the secret.
        project: String,
        /// Name of the secret.
        name: String,
        /// Delete it although a release that serves, or a job, names it.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Plugin {
    /// List the plugins that new jobs begin with, in the order in which they are asked.
    List,
    /// Show one plugin: what it may do, and how its calls ended.
    Inspect {
        /// Name of the plugin.
        name: String,
    },
    /// Read the configuration's plugins again: all go live, or none.
    Reload,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use clap::CommandFactory;

    /// Collects the help of a command and of all below it, by the words that call it.
    fn help(command: &mut clap::Command, path: &str, all: &mut Vec<(String, String)>) {
        // Values of the shell that runs this test are not the command's.
        let page = command.clone().mut_args(|arg| arg.hide_env_values(true));
        let page = page.bin_name(path).render_long_help();
        all.push((path.to_owned(), page.to_string()));
        for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
            help(&mut below.clone(), &format!("{path} {}", below.get_name()), all);
        }
    }

    fn of_every_command() -> Vec<(String, String)> {
        let mut command = Args::command().term_width(100);
        command.build();
        let mut all = Vec::new();
        help(&mut command, "windlass", &mut all);
        all
    }

    #[test]
    fn help_of_every_command() {
        let all = of_every_command();
        let text: String =
            all.iter().map(|(path, page)| format!("--- {path} --help\n{page}\n")).collect();
        same("help", &text);
    }

    #[test]
    fn the_published_reference_is_of_this_code() {
        let mut text = String::from(
            "# windlass\n\n<!-- Made by a test of daemon/cli: WINDLASS_BLESS=1 cargo test -p windlass-cli args -->\n",
        );
        for (path, page) in of_every_command() {
            text.push_str(&format!("\n## `{path}`\n\n```text\n{}\n```\n", page.trim_end()));
        }
        let file = windlass_blessed::reference("windlass.md");
        assert!(windlass_blessed::holds(&file, &text), "{} is not of this code", file.display());
    }

    #[test]
    fn wrong_command_lines_say_what_is_expected() {
        let mut text = String::new();
        for line in [
            "windlass deploy",
            "windlass submit",
            "windlass submit shop/web --repositry x",
            "windlass logs shop/web --since soon",
            "windlass show",
            "windlass project apply",
            "windlass hook rotate shop HOOK --keep soon",
            "windlass registry put shop ghcr.io --push-password-file token",
            "windlass registry put shop ghcr.io --push-user ci --push-plugin registry-ecr",
            "windlass cluster put shop us",
            "windlass outbox replay shop",
            "windlass outbox replay shop MESSAGE --dead",
            "windlass queue dead replay",
            "windlass queue dead replay MESSAGE --all",
        ] {
            let error = Args::try_parse_from(line.split(' ')).err();
            let error = error.unwrap_or_else(|| panic!("`{line}` is taken"));
            text.push_str(&format!("$ {line}\n{}\n", error.render()));
        }
        same("usage", &text);
    }
}
