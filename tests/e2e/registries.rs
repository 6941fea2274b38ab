//! Logins by a plugin: for the builder's pushes and for the nodes' pulls, renewed while the app runs.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{daemon::Config, part::python};
use windlass_tests::{TestEnv, bed, granted};

const AWS: u16 = 21_512;

/// AWS verifies the signature, the plugin never sees key or password, and buildkitd pushes and the node pulls with the
/// login. Logins of moto are expired when they are issued, so that each is renewed at once.
#[test]
fn a_login_from_aws_pushes_pulls_and_is_renewed() {
    let layout = &bed().layout;
    let _aws = python::aws(layout, AWS, true).unwrap();
    let users = python::aws_users(layout, AWS).unwrap();
    let folder = layout.at("hooks/t-ecr");
    fs::create_dir_all(&folder).unwrap();
    let keys = folder.join("keys");
    fs::write(&keys, users["ci"].to_string()).unwrap();
    let grant = format!(
        "http = [{{ host = \"127.0.0.1:{AWS}\", methods = [\"POST\"], scheme = \"http\", private = true }}]\n\
         secrets = [{{ name = \"aws\", uses = [\"hmac\", \"send\"], hosts = [\"127.0.0.1:{AWS}\"], public = [\"/access_key_id\"] }}]"
    );
    let registry = |secret: &std::path::Path| {
        format!(
            "[[registries]]\nhost = \"{}\"\nplugin = \"registry-ecr\"\nsecrets = {{ aws = \"{}\" }}\n\
             settings = {{ region = \"eu-central-1\", ecr-endpoint = \"http://127.0.0.1:{AWS}/\" }}\n",
            layout.private_registry(),
            secret.display()
        )
    };
    let mut config = Config::of(bed()).unwrap();
    config.registry = layout.private_registry();
    config.tables = granted("registry-ecr", &grant) + &registry(&keys);
    let env = TestEnv::with("t-ecr", &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    env.serves("app", "one");
    for leak in [python::ECR_PASSWORD, users["ci"]["secret_access_key"].as_str().unwrap()] {
        assert!(!ended.text.contains(leak) && !env.daemon.log().contains(leak));
    }
    let began = Instant::now();
    while !env.daemon.log().contains("the pull secret was looked at") {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", env.daemon.log());
        // The daemon's log is a file.
        sleep(Duration::from_millis(200));
    }

    // AWS refuses a key: the job says what to change, and pushes nothing.
    let wrong = folder.join("wrong");
    fs::write(&wrong, users["nobody"].to_string()).unwrap();
    config.tables = granted("registry-ecr", &grant) + &registry(&wrong);
    let env = TestEnv::with("t-ecr-wrong", &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let text =
        env.submit("app", repository.url(), &[]).failed_with("push", "registry-login-failed");
    assert!(text.contains("allow `ecr:GetAuthorizationToken`"), "{text}");
}
