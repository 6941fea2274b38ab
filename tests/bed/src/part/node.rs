//! One Kubernetes node that is a small machine of its own: a process in new network, PID and mount
//! namespaces. Killing it removes every shim, pod, mount, interface and route that it had.

use crate::{
    Layout, Result,
    layout::{BRIDGE, HOST, NODE, PODS, SERVICES, port},
    part::control_plane::kubectl,
    process::{Running, await_ready, listens, run, sh, start, start_command},
};
use std::{fs, path::Path, process::Command, time::Duration};

const NAME: &str = "node-1";

/// Makes the bridge that the node, BuildKit and the registries meet on.
///
/// # Errors
/// What `ip` said.
pub fn bridge() -> Result<()> {
    // What a killed keeper left; the routes go with it.
    let _ = sh(&format!("ip link delete {BRIDGE}"));
    sh(&format!("ip link add {BRIDGE} type bridge"))?;
    sh(&format!("ip address add {HOST}/24 dev {BRIDGE}"))?;
    sh(&format!("ip link set {BRIDGE} up"))?;
    Ok(())
}

/// Removes the bridge.
pub fn remove_bridge() {
    let _ = sh(&format!("ip link delete {BRIDGE}"));
}

/// Starts the node and waits until it is Ready.
///
/// # Errors
/// What a part of it said.
pub fn up(layout: &Layout) -> Result<Running> {
    let folder = layout.at("node");
    sweep(&folder);
    configure(layout, &folder)?;
    let log = layout.at("log/node.log");
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--", "unshare", "--net", "--pid", "--mount", "--fork"])
        .args(["--kill-child=KILL"])
        .arg(std::env::current_exe()?)
        .arg("node-init");
    let mut part = start_command("node", &log, command)?;
    connect(&mut part, &log)?;
    await_ready(&mut part, &log, Duration::from_secs(60), || {
        kubectl(
            layout,
            &[
                "get",
                "node",
                NAME,
                "-o",
                "jsonpath={.status.conditions[?(@.type=='Ready')].status}",
            ],
        )
        .is_ok_and(|ready| ready == "True")
    })?;
    Ok(part)
}

/// Gives the node its end of a veth pair, and the host its routes.
fn connect(part: &mut Running, log: &Path) -> Result<()> {
    // unshare(1) forks: the node is its child, and has its namespaces before it runs anything.
    let children = format!("/proc/{0}/task/{0}/children", part.id());
    let mut node = String::new();
    await_ready(part, log, Duration::from_secs(10), || {
        let text = fs::read_to_string(&children).unwrap_or_default();
        node = text.split_whitespace().next().unwrap_or_default().to_owned();
        !node.is_empty()
    })?;
    let _ = sh("ip link delete wlnode1");
    sh(&format!("ip link add wlnode1 type veth peer name eth0 netns {node}"))?;
    sh(&format!("ip link set wlnode1 master {BRIDGE} up"))?;
    sh(&format!("ip route replace {PODS} via {NODE}"))?;
    sh(&format!("ip route replace {SERVICES} via {NODE}"))?;
    Ok(())
}

/// What a killed node leaves: its files and empty cgroup folders.
fn sweep(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    let roots = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    for root in roots.map(|entry| entry.path()).chain([Path::new("/sys/fs/cgroup").to_owned()]) {
        for name in ["k8s.io", "kubepods"] {
            remove_empty(&root.join(name));
        }
    }
}

fn remove_empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_empty(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}

fn configure(layout: &Layout, folder: &Path) -> Result<()> {
    let at = |name: &str| folder.join(name).display().to_string();
    for name in ["cni", "kubelet", "pods-log"] {
        fs::create_dir_all(folder.join(name))?;
    }
    for registry in [layout.registry(), layout.private_registry()] {
        let hosts = folder.join("certs.d").join(&registry);
        fs::create_dir_all(&hosts)?;
        // Without both, HTTPS is tried.
        fs::write(
            hosts.join("hosts.toml"),
            format!(
                "server = \"http://{registry}\"\n[host.\"http://{registry}\"]\ncapabilities = [\"pull\", \"resolve\"]\n"
            ),
        )?;
    }
    // restrict_oom_score_adj: where CAP_SYS_RESOURCE is missing, no sandbox starts without it.
    fs::write(
        folder.join("containerd.toml"),
        format!(
            "version = 2\nroot = \"{}\"\nstate = \"{}\"\n[grpc]\naddress = \"{}\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{}/bed/pause:1\"\nrestrict_oom_score_adj = true\n\
             [plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = \"overlayfs\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\nSystemdCgroup = false\n\
             [plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/usr/lib/cni\"\nconf_dir = \"{}\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"{}\"\n",
            at("containerd"),
            at("run"),
            at("c.sock"),
            layout.registry(),
            at("cni"),
            at("certs.d"),
        ),
    )?;
    fs::write(
        folder.join("cni/10-bed.conflist"),
        serde_json::json!({
            "cniVersion": "1.0.0",
            "name": "bed",
            "plugins": [
                {
                    "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true,
                    "hairpinMode": true,
                    "ipam": {
                        "type": "host-local", "dataDir": at("ipam"),
                        "ranges": [[{ "subnet": PODS }]], "routes": [{ "dst": "0.0.0.0/0" }],
                    },
                },
                { "type": "portmap", "capabilities": { "portMappings": true } },
            ],
        })
        .to_string(),
    )?;
    let pki = layout.at("kube/pki");
    fs::write(
        folder.join("kubelet.json"),
        serde_json::json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": NODE, "cgroupDriver": "cgroupfs", "failCgroupV1": false, "failSwapOn": false,
            "cgroupsPerQOS": false, "enforceNodeAllocatable": [], "makeIPTablesUtilChains": false,
            "containerRuntimeEndpoint": format!("unix://{}", at("c.sock")),
            "authentication": {
                "anonymous": { "enabled": false }, "webhook": { "enabled": true },
                "x509": { "clientCAFile": pki.join("ca.crt") },
            },
            "authorization": { "mode": "Webhook" },
            "tlsCertFile": pki.join("kubelet.crt"), "tlsPrivateKeyFile": pki.join("kubelet.key"),
            "evictionHard": { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
            "registryPullQPS": 0, "eventRecordQPS": 0, "podLogsDir": at("pods-log"), "maxPods": 200,
        })
        .to_string(),
    )?;
    fs::write(
        folder.join("proxy.json"),
        serde_json::json!({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
            "mode": "nftables", "hostnameOverride": NAME,
            "conntrack": { "maxPerCore": 0, "min": 0 },
            "clientConnection": { "kubeconfig": layout.at("kube/proxy.kubeconfig") },
        })
        .to_string(),
    )?;
    Ok(())
}

/// The node's first process, in its namespaces already: mounts, network, then the three daemons.
///
/// # Errors
/// What failed first; the node ends with it.
pub fn init(layout: &Layout) -> Result<()> {
    let folder = layout.at("node");
    sh("mount --make-rprivate /")?;
    sh("mount -t proc proc /proc")?;
    fs::create_dir_all("/run/netns")?;
    sh("mount -t tmpfs tmpfs /run/netns")?;
    sh("ip link set lo up")?;
    while sh("ip link show eth0").is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    sh(&format!("ip address add {NODE}/24 dev eth0"))?;
    sh("ip link set eth0 up")?;
    sh(&format!("ip route add default via {HOST}"))?;
    fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;

    let log = |name: &str| layout.at(&format!("log/{name}.log"));
    let at = |name: &str| folder.join(name).display().to_string();
    let containerd = Path::new("/usr/bin/containerd");
    let args = ["--config".to_owned(), at("containerd.toml")];
    let mut part = start("containerd", &log("containerd"), containerd, args)?;
    let socket = folder.join("c.sock");
    await_ready(&mut part, &log("containerd"), Duration::from_secs(20), || socket.exists())?;
    let args = [
        format!("--config={}", at("kubelet.json")),
        format!("--kubeconfig={}", layout.at("kube/kubelet.kubeconfig").display()),
        format!("--root-dir={}", at("kubelet")),
        format!("--cert-dir={}", at("kubelet/pki")),
        format!("--hostname-override={NAME}"),
        format!("--node-ip={NODE}"),
    ];
    let mut kubelet = start("kubelet", &log("kubelet"), &layout.program("kubelet"), args)?;
    let args = [format!("--config={}", at("proxy.json"))];
    let mut proxy = start("kube-proxy", &log("kube-proxy"), &layout.program("kube-proxy"), args)?;
    loop {
        // The first process of a PID namespace inherits its orphans, and must reap them.
        while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
        for part in [&mut part, &mut kubelet, &mut proxy] {
            if !Path::new(&format!("/proc/{}", part.id())).exists() {
                return Err(format!("{} ended", part.name).into());
            }
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Whether the API server answers.
#[must_use]
pub fn api_listens() -> bool {
    listens(HOST, port::API)
}

/// Builds the pause program that holds a pod's namespaces.
///
/// # Errors
/// What the compiler said.
pub fn pause(to: &Path) -> Result<()> {
    let source = to.with_extension("c");
    fs::write(
        &source,
        "#include <signal.h>\n#include <sys/wait.h>\n#include <unistd.h>\n\
         static void end(int s) { _exit(0); }\n\
         static void reap(int s) { while (waitpid(-1, 0, WNOHANG) > 0) {} }\n\
         int main(void) { signal(SIGTERM, end); signal(SIGINT, end); signal(SIGCHLD, reap); for (;;) pause(); }\n",
    )?;
    run(Command::new("cc").args(["-static", "-Os", "-o"]).arg(to).arg(&source))?;
    Ok(())
}
