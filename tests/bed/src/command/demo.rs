//! `cargo demo`: a push at a forge that deploys, then apps of five languages and a monorepo from a git commit to pods
//! that serve, with a login and a migration of plugins; a failing test, a crash that is rolled back, a webhook that is
//! denied, a rollback on request, a canary that ends for its errors. All of it shows on the daemon's page.

mod canary;
mod page;
mod push;

use super::{Own, down};
use clap::Subcommand;
use page::Page;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Bed, Daemon, Report, Repository, Result, Wanted, build,
    daemon::{Config, get, granted},
    doctor, images,
    lanes::{Lane, Slot, side_by_side},
    layout::{Existing, Layout},
    part::{gitea::Gitea, prometheus::Prometheus},
};

/// Arguments of `cargo demo`: what the demo runs on, and when it ends.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// End when all is shown, instead of waiting for Ctrl-C.
    #[arg(long)]
    once: bool,
    /// End once the bed is up: what .ci/run proves in a fresh clone.
    #[arg(long, hide = true)]
    until_up: bool,
    /// Build nothing: daemon, client and plugins are those of the test that runs this.
    #[arg(long, hide = true)]
    built: bool,
    #[command(flatten)]
    own: Own,
}

#[derive(Subcommand)]
enum Command {
    /// End all parts, and remove their bridge, routes and cgroups.
    Down(down::Args),
}

pub(crate) fn run(args: Args) -> Result<()> {
    if let Some(Command::Down(args)) = args.command {
        return down::run(&args);
    }
    let report = Report::printed();
    let existing = Existing::from(args.own);
    announce(&existing);
    let has_forge = doctor::has_go();
    if !has_forge {
        println!(
            "demo: no Go 1.25 or newer is here to compile the forge: the push at the beginning is left out"
        );
    }
    let wanted = Wanted { existing: Some(existing.clone()), forge: has_forge, ..Wanted::default() };
    if args.until_up {
        Bed::up(wanted, &report)?;
        return Ok(());
    }
    let layout = Layout::of(&existing);
    let held = Slot::default();
    let _alone = alone(&layout)?;
    let slot = held.clone();
    let mut lanes = vec![Lane::new("bed", move || {
        slot.put(Bed::up(wanted, &report)?);
        Ok(())
    })];
    // The bed mostly waits for its own parts: the compiler has the processors.
    if !args.built {
        lanes.push(Lane::new("programs", move || build::product(&layout, &report)));
    }
    side_by_side(lanes)?;
    let bed = held.take().ok_or("the lane of the bed left no bed")?;
    let forge = has_forge.then(|| push::forge(&bed, &report)).transpose()?;
    let page = Page::new(&bed.layout)?;
    let prometheus = Show::prometheus(&bed)?;
    let mut config = config(&bed, &page, forge.as_ref())?;
    if let Some(prometheus) = &prometheus {
        config.cluster = format!("prometheus = {{ address = \"{}\" }}\n", prometheus.address());
    }
    let daemon = Daemon::start(&bed, "demo", &config)?;
    let show = Show { bed, daemon, forge, page, prometheus };
    show.all()?;
    show.next_steps()?;
    if !args.once {
        wait_for_interrupt()?;
    }
    Ok(())
}

/// Base images of the demo's apps that a bed does not have from its start.
const IMAGES: &[&str] = &["rust:1-slim-bookworm", "nginxinc/nginx-unprivileged:1-alpine-slim"];

/// Takes the lock on what only one demo of a bed can have: the daemon's folder, repositories, a namespace.
fn alone(layout: &Layout) -> Result<File> {
    fs::create_dir_all(&layout.root)?;
    let lock = File::create(layout.at("demo.lock"))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| "another `cargo demo` runs: use that one, or end it with Ctrl-C")?;
    Ok(lock)
}

/// Prints what the demo makes outside of its own folders, and how to remove it.
fn announce(existing: &Existing) {
    if let Some(kubeconfig) = &existing.kubeconfig {
        let file = kubeconfig.display();
        println!("demo: makes the namespace {NAMESPACE} in the cluster of {file}");
        println!("      to remove it: kubectl --kubeconfig {file} delete namespace {NAMESPACE}");
    }
    if let Some(registry) = &existing.registry {
        println!(
            "demo: pushes {registry}/demo/hello, …/node, …/python, …/go, …/rust, …/static, …/web and …/api; \
             they stay until you delete them"
        );
    }
    if let Some(address) = &existing.buildkit {
        let is_engine = address.starts_with("docker://");
        let prune = if is_engine { "docker builder prune" } else { "buildctl prune" };
        println!("demo: builds with your BuildKit, which keeps its cache: {prune} empties it");
    }
    if existing.is_whole() {
        println!(
            "demo: keeps its own files in ~/.cache/windlass: `cargo demo -- down --caches` removes them"
        );
    } else {
        println!(
            "demo: installs Debian packages, makes the bridge wlbed0, routes and cgroups; \
             `cargo demo -- down` removes all but the packages and ~/.cache/windlass"
        );
    }
}

/// Namespace of the demo's project and environment.
const NAMESPACE: &str = "demo--production";

/// App that is released as a canary.
const CANARY: &str = "python";

/// Returns the daemon's configuration: with the page, and with webhooks of the forge. A plugin gets the login that the
/// bed's own registry demands. Each release has a migration, which the Node app names, and a webhook to a host that was
/// not granted, to show how the refusal is reported.
fn config(bed: &Bed, page: &Page, forge: Option<&Gitea>) -> Result<Config> {
    let mut config = Config::of(bed)?;
    config.egress.extend(forge.map(Gitea::authority));
    config.tables = [
        page.tables(&bed.layout)?,
        // The forge gets statuses of commits, and is on this machine.
        "[outgoing]\nallow = [\"127.0.0.0/8\"]\n".into(),
        granted("hook-job", "actions = [\"run-job\"]")?,
        granted("hook-http", "http = [{ host = \"hooks.example.com\", methods = [\"POST\"] }]")?,
        "[[hooks]]\nname = \"migrate\"\nplugin = \"hook-job\"\nphase = \"before-traffic\"\n".into(),
        "[[hooks]]\nname = \"tell\"\nplugin = \"hook-http\"\nphase = \"after-failure\"\n\
         settings = { url = \"https://other.example.com/\", sign = false }\n"
            .into(),
    ]
    .concat();
    if bed.existing.registry.is_none() {
        config.registry = bed.layout.private_registry();
        let password = bed.layout.at("daemons/demo/data/registry-password");
        let grant = "secrets = [{ name = \"secret\", uses = [\"login\"] }]";
        config.tables.push_str(&granted("registry-static", grant)?);
        config.tables.push_str(&format!(
            "[[registries]]\nhost = \"{}\"\nplugin = \"registry-static\"\nsettings = {{ user = \"bed\" }}\n\
             secrets = {{ secret = \"{}\" }}\n",
            config.registry,
            password.display()
        ));
    }
    Ok(config)
}

struct Show {
    bed: Bed,
    daemon: Daemon,
    /// `None` means that there is nothing to compile it with.
    forge: Option<Gitea>,
    page: Page,
    /// `None` means that it would not reach the pods of the user's cluster.
    prometheus: Option<Prometheus>,
}

impl Show {
    fn all(&self) -> Result<()> {
        title("the page: all that follows can be watched there, live");
        self.page.show(&self.daemon)?;
        if let Some(forge) = &self.forge {
            title("a push at a forge: a signed webhook, a job, a release, a status at the commit");
            let commit = push::push(&self.bed, &self.daemon, forge)?;
            println!("      {}", self.app(push::APP)?.trim());
            push::show_status(&self.daemon, forge, &commit)?;
        }

        println!(
            "\ndemo: base images of Rust and of static files; the first time takes two minutes"
        );
        images::languages(&self.bed, IMAGES)?;
        let (mut node, mut python) = (None, None);
        for language in ["node", "python", "go", "rust", "static"] {
            title(&format!("{language}: a commit becomes pods that serve"));
            let repository =
                Repository::example(&self.bed.layout, &format!("demo-{language}"), language)?;
            repository.commit("Say hello")?;
            self.deploy(&repository, language, true)?;
            println!("      {}", self.app(language)?.trim());
            match language {
                "node" => node = Some(repository),
                CANARY => python = Some(repository),
                _ => {}
            }
        }
        let node = node.ok_or("no repository")?;
        let python = python.ok_or("no repository of the canary")?;

        title("one repository, two apps that share a package: each is named by its folder");
        let shop = Repository::example(&self.bed.layout, "demo-monorepo", "monorepo")?;
        shop.commit("Say hello twice")?;
        for app in ["web", "api"] {
            self.deploy_with(&shop, app, &["--directory", &format!("apps/{app}")], true)?;
            println!("      {}", self.app(app)?.trim());
        }

        title("a commit whose test fails is stopped before anything is pushed");
        node.edit("app.js", "Hello from Node", "Hello from a bug")?;
        node.commit("Break the page")?;
        self.deploy(&node, "node", false)?;

        title(
            "a commit whose app exits at start: diagnosed in seconds, and the old version still serves",
        );
        node.edit("app.js", "Hello from a bug", "Hello from Node")?;
        node.edit(
            "server.js",
            "import { app }",
            "console.error(\"DATABASE_URL is not set\");\nprocess.exit(3);\nimport { app }",
        )?;
        node.commit("Need a database")?;
        self.deploy(&node, "node", false)?;
        self.serves("node", "Hello from Node")?;

        title("a better commit, then a rollback: nothing is built");
        node.edit(
            "server.js",
            "console.error(\"DATABASE_URL is not set\");\nprocess.exit(3);\n",
            "",
        )?;
        node.edit("app.js", "Hello from Node", "Hello again from Node")?;
        node.edit("app.test.js", "Hello from Node", "Hello again from Node")?;
        node.commit("Say hello again")?;
        self.deploy(&node, "node", true)?;
        self.serves("node", "Hello again from Node")?;
        println!("$ windlass rollback demo/node");
        let status = self.daemon.show(&["rollback", "demo/node"])?;
        if !status.success() {
            return Err(format!("the rollback ended with {status}").into());
        }
        self.serves("node", "Hello from Node")?;

        self.end_canary(&python)
    }

    fn deploy(&self, repository: &Repository, app: &str, succeeds: bool) -> Result<()> {
        self.deploy_with(repository, app, &[], succeeds)
    }

    fn deploy_with(
        &self,
        repository: &Repository,
        app: &str,
        more: &[&str],
        succeeds: bool,
    ) -> Result<()> {
        let name = format!("demo/{app}");
        let args = [&["submit", &name, "--repository", repository.url()][..], more].concat();
        println!("$ windlass {}", args.join(" "));
        let status = self.daemon.show(&args)?;
        match (succeeds, status.code()) {
            (true, Some(0)) | (false, Some(1)) => Ok(()),
            _ => {
                Err(format!("{app} ended with {status}; the daemon's log:\n{}", self.daemon.log())
                    .into())
            }
        }
    }

    fn app(&self, app: &str) -> Result<String> {
        if self.bed.existing.kubeconfig.is_some() {
            // Another cluster's Services have addresses of that cluster's own: its API server forwards the request.
            let path = format!("/api/v1/namespaces/{NAMESPACE}/services/{app}:80/proxy/");
            println!("$ kubectl get --raw {path}");
            return self.bed.kubectl(&["get", "--raw", &path]);
        }
        let address = self.address(app)?;
        println!("$ curl http://{address}/");
        get(&address, 80, "/")
    }

    /// Returns the address of an app's `Service`.
    fn address(&self, app: &str) -> Result<String> {
        let query = ["-n", NAMESPACE, "get", "service", app, "-o", "jsonpath={.spec.clusterIP}"];
        self.bed.kubectl(&query)
    }

    fn serves(&self, app: &str, expected: &str) -> Result<()> {
        // A pod that is asked to end answers a moment longer, until the Service no longer leads to it.
        let began = Instant::now();
        let limit = Duration::from_secs(10);
        let ask = || self.app(app).unwrap_or_else(|error| format!("no page: {error}"));
        let mut page = ask();
        while page.trim() != expected && began.elapsed() < limit {
            sleep(Duration::from_millis(500));
            page = ask();
        }
        println!("      {}", page.trim());
        if page.trim() == expected {
            return Ok(());
        }
        Err(format!("expected `{expected}`, and the page says `{}`", page.trim()).into())
    }

    fn next_steps(&self) -> Result<()> {
        title("all went as it should");
        println!("open the page:");
        self.page.show(&self.daemon)?;
        if let Some(forge) = &self.forge {
            push::next_step(&self.bed, forge);
        }
        println!("try next, in another terminal:");
        if let Ok(programs) = build::programs() {
            println!("  export PATH={}:$PATH", programs.display());
        }
        println!("  export WINDLASS_ADDRESS={}", self.daemon.address());
        println!("  export KUBECONFIG={}", self.bed.kubeconfig().display());
        println!(
            "  windlass jobs                      # all jobs; `windlass show ID --events` for one"
        );
        println!("  windlass status demo/node");
        println!("  windlass logs demo/node            # Ctrl-C ends it");
        println!("  windlass releases demo/node");
        println!("  windlass plan demo/go --repository {}", self.bed.layout.git_url("demo-go"));
        println!("  kubectl get pods --all-namespaces");
        Ok(())
    }
}

fn title(text: &str) {
    println!("\n== {text}");
}

/// Returns with the signal. The daemon and the hold on the bed end with this process.
fn wait_for_interrupt() -> Result<()> {
    println!(
        "\nCtrl-C ends the demo; the bed stays ten minutes more, or until `cargo demo -- down`"
    );
    Ok(tokio::runtime::Runtime::new()?.block_on(tokio::signal::ctrl_c())?)
}
