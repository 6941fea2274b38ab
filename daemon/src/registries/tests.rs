//! Logins of a configuration without plugins.

use super::*;
use crate::wire;
use std::{fs, path::Path};

mod own_logins;

/// Returns the registries of a configuration with these tables, in a folder.
async fn registries(folder: &Path, tables: &str) -> Registries {
    let config = config(folder, tables);
    let plugins = wire::plugins(&config, None).await.unwrap();
    Registries::new(&config, Arc::new(plugins))
}

/// Reads a configuration with these tables, in a folder.
fn config(folder: &Path, tables: &str) -> Config {
    let file = folder.join("windlassd.toml");
    let data = folder.display();
    let text = format!(
        "data = \"{data}\"\nregistry = \"r.example/apps\"\n[builder]\naddress = \"unix:///b\"\n{tables}"
    );
    fs::write(&file, text).unwrap();
    Config::load(Some(&file)).unwrap()
}

async fn login(registries: &Registries, action: Action) -> Result<(String, String), String> {
    let repository = "apps/shop/web";
    let request = LoginRequest { host: "r.example", project: "shop", repository, action };
    match registries.login(&request, &Recorder::null()).await {
        Ok(Some(Login { credential: Credential::Basic(user, password), .. })) => {
            Ok((user, password.reveal_text().unwrap().to_owned()))
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

fn both(folder: &Path) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    format!(
        "[[registries]]\nhost = \"r.example\"\nusername = \"pusher\"\npassword-file = \"{}\"\n\
         pull = {{ username = \"puller\", password-file = \"{}\" }}\n",
        file("push"),
        file("pull")
    )
}

#[tokio::test]
async fn pulls_have_a_login_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("push"), "may-write\n").unwrap();
    fs::write(folder.path().join("pull"), "may-read\n").unwrap();
    let tables = both(folder.path());
    let two = registries(folder.path(), &tables).await;
    assert_eq!(login(&two, Action::Push).await.unwrap(), ("pusher".into(), "may-write".into()));
    assert_eq!(login(&two, Action::Pull).await.unwrap(), ("puller".into(), "may-read".into()));
    let tables = tables.lines().filter(|line| !line.starts_with("pull")).collect::<Vec<_>>();
    let one = registries(folder.path(), &tables.join("\n")).await;
    assert_eq!(login(&one, Action::Pull).await.unwrap(), ("pusher".into(), "may-write".into()));
}

#[tokio::test]
async fn a_rotated_password_is_used_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (push, pull) = (folder.path().join("push"), folder.path().join("pull"));
    fs::write(&push, "old").unwrap();
    fs::write(&pull, "other").unwrap();
    let registries = registries(folder.path(), &both(folder.path())).await;
    registries.check().await.unwrap();
    assert_eq!(login(&registries, Action::Push).await.unwrap().1, "old");
    fs::write(&push, "new").unwrap();
    assert_eq!(login(&registries, Action::Push).await.unwrap().1, "new");
    for (content, problem) in [
        (" \n".as_bytes().to_vec(), "is empty"),
        (b"\xff\xfe".to_vec(), "is not UTF-8"),
        (vec![b'a'; 70_000], "has more than 65536 bytes"),
    ] {
        fs::write(&push, content).unwrap();
        let error = login(&registries, Action::Push).await.unwrap_err();
        assert!(error.contains(problem) && error.contains("/push: "), "{error}");
        assert!(error.starts_with("registries: password-file: "), "{error}");
    }
    fs::remove_file(&push).unwrap();
    assert!(registries.check().await.unwrap_err().to_string().contains("No such file"));
}

#[tokio::test]
async fn a_login_is_masked_where_it_is_obtained() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("push"), "hunter22-push").unwrap();
    fs::write(folder.path().join("pull"), "hunter22-pull").unwrap();
    let registries = registries(folder.path(), &both(folder.path())).await;
    let recorder = Recorder::null();
    let request =
        LoginRequest { host: "r.example", project: "shop", repository: "", action: Action::Pull };
    registries.login(&request, &recorder).await.unwrap();
    // `puller:hunter22-pull`, as `.dockerconfigjson` and HTTP have it.
    for text in ["hunter22-pull", "cHVsbGVyOmh1bnRlcjIyLXB1bGw="] {
        assert!(!recorder.redactor().mask(&format!("it is {text}!")).contains(text), "{text}");
    }
}
