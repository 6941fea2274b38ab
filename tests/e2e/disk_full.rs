//! Full disks: under the workspaces, under the plugins' code, and under the store.

use std::{fs, path::Path};
use windlass_bed::{Daemon, daemon::Config, process::sh};
use windlass_tests::{TestEnv, bed, dockerfile};

/// A small disk of the test's own, which is unmounted with the test.
struct Disk(String);

impl Disk {
    fn new(at: &Path, size: &str) -> Self {
        fs::create_dir_all(at).unwrap();
        let at = at.display().to_string();
        let _ = sh(&format!("umount -l {at}"));
        sh(&format!("mount -t tmpfs -o size={size} tmpfs {at}")).unwrap();
        Self(at)
    }

    /// Fills the disk except for some KiB.
    fn fill(&self, leave: u64) {
        let stat = sh(&format!("df --output=avail -k {}", self.0)).unwrap();
        let free: u64 = stat.lines().nth(1).unwrap().trim().parse().unwrap();
        let filler = vec![0; usize::try_from(free.saturating_sub(leave) << 10).unwrap()];
        fs::write(format!("{}/filler", self.0), filler).unwrap();
    }

    fn free(&self) {
        fs::remove_file(format!("{}/filler", self.0)).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = sh(&format!("umount -l {}", self.0));
    }
}

/// Starts an environment whose daemon has this folder on a small disk.
fn on_a_small_disk(name: &'static str, disk: &str, size: &str) -> (TestEnv, Disk) {
    let folder = bed().layout.at("daemons").join(name);
    let _ = sh(&format!("umount -l {}", folder.join("data").join(disk).display()));
    let _ = fs::remove_dir_all(&folder);
    let disk = Disk::new(&folder.join("data").join(disk), size);
    let daemon = Daemon::start_in(bed(), folder, &Config::of(bed()).unwrap()).unwrap();
    (TestEnv::around(name, daemon), disk)
}

#[test]
fn a_workspace_without_room() {
    let (env, _disk) = on_a_small_disk("t-full", "workspaces", "1m");
    let repository = env.small_app();
    // Without a pattern, so that compression does not help.
    let noise: Vec<u8> =
        (0..3_000_000_u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    fs::write(repository.folder().join("noise"), noise).unwrap();
    repository.commit("large").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("clone", "workspace-full");
    assert!(text.contains("free disk space"), "{text}");
    env.runs_the_next_job();
}

/// A plugin whose compiled code cannot be stored is an error of the start, with the place that is full.
#[test]
fn a_plugin_cache_without_room() {
    let folder = bed().layout.at("daemons/t-cache");
    let _ = sh(&format!("umount -l {}", folder.join("data/plugins").display()));
    let _ = fs::remove_dir_all(&folder);
    let _disk = Disk::new(&folder.join("data/plugins"), "64k");
    let started = Daemon::start_in(bed(), folder, &Config::of(bed()).unwrap());
    let error = started.err().unwrap().to_string();
    assert!(error.contains("the plugin cache") && error.contains("No space left"), "{error}");
}

#[test]
fn a_store_without_room() {
    let (env, disk) = on_a_small_disk("t-store", "journal", "8m");
    let repository = env.small_app();
    let slow = dockerfile().replace("USER 10001", "RUN echo now && sleep 5\nUSER 10001");
    repository.write("Dockerfile", &slow).unwrap();
    repository.commit("slow").unwrap();
    let id = env.submit_detached("app", repository.url(), &[]);
    env.await_line(&id, "now");
    disk.fill(0);
    // The daemon accepts no further job, and says why. The job that runs is not lost.
    let url = repository.url();
    let mut refused = None;
    for n in 0..200 {
        let answer = env
            .daemon
            .windlass(&["submit", &format!("t-store/app{n}"), "--repository", url, "--detach"])
            .unwrap();
        if answer.code != 0 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a full disk takes no job");
    assert!(
        refused.text.contains("store-full") && refused.text.contains("free disk space"),
        "{}",
        refused.text
    );
    disk.free();
    let ended = env.watch(&id);
    assert_eq!(ended.outcome, "succeeded", "{}\n{}", ended.text, env.daemon.log());
    env.serves("app", "one");
}
