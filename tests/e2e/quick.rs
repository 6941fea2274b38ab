//! Quick start of the README: `cargo demo` on a cluster, a builder and a registry that exist already. The bed's own
//! parts stand in for the user's.

use std::{
    env,
    process::{Command, Stdio},
};
use windlass_bed::{Layout, build, client, process::tail};
use windlass_tests::bed;

#[test]
#[expect(clippy::disallowed_methods, reason = "the demo finds kubectl as a user's shell does")]
fn the_demo_on_parts_of_the_users_own() {
    let layout = &bed().layout;
    let programs = layout.cache.join("bin");
    let path = env::var("PATH").unwrap();
    // The user's own kubectl is in their PATH.
    let path = format!("{}:{path}", programs.display());
    let output = Command::new(build::bed_program().unwrap())
        // `bed()` built all. A build of these packages alone has other features: it would compile most of them
        // again, and replace the programs of the tests beside this one.
        .args(["demo", "--once", "--built", "--kubeconfig"])
        .arg(layout.kubeconfig())
        .args(["--buildkit", &layout.buildkit(), "--registry", &layout.registry()])
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let own = Layout::own();
    let log = tail(&own.at("log/keeper.log"), 10);
    assert!(output.status.success(), "{text}\n{errors}\n{log}");
    // The demo first prints what it makes elsewhere, with the command that removes it.
    let removal = "delete namespace demo--production";
    assert!(text.lines().take(4).any(|line| line.contains(removal)), "{text}");
    for part in ["kubernetes: compiling", "buildkit: compiling", "Debian packages"] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("$ kubectl get --raw /api/v1/namespaces/demo--production/"), "{text}");
    assert!(text.contains("Hello from Node"), "{text}");
    // It begins with a push, and everybody hears of its end. The page's address comes before that, and once more last.
    let mut parts = text.split("/login?code=");
    let (before, pushed) = (parts.next().unwrap(), parts.next().expect("a login link"));
    assert!(!before.contains("$ windlass submit"), "{text}");
    let first = pushed.find("$ git push").expect("a push");
    assert!(pushed.find("$ windlass submit").is_some_and(|submit| first < submit), "{text}");
    let status = "the forge shows at the commit: ✔ windlass/hello/production";
    assert!(pushed.contains(status), "{text}");
    assert!(parts.next().is_some_and(|last| last.contains("git -C")), "{text}");
    assert!(text.contains("all went as it should"), "{text}");
    client::down(&own).unwrap();
    assert!(!client::is_up(&own));
    assert!(client::is_up(layout), "the bed of all others stays");
}
