//! Kubernetes nodes, each a small machine of its own: a process in new network, PID and mount namespaces. The kill of
//! a node removes each of its shims, pods, mounts, interfaces and routes.

use crate::{
    Layout, Result,
    build::bed_program,
    layout::{BRIDGE, HOST, port},
    part::control_plane::Plane,
    process::{Running, await_ready, listens, run, sh, start, start_command},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A node by its number. The first is the bed's own. The second is for tests that lose a node: only pods that
/// tolerate [`SECOND`] are scheduled to the second. The third belongs to the second control plane.
#[derive(Clone, Copy, Debug)]
pub struct Node(pub u8);

/// Key of the second node's taint.
pub const SECOND: &str = "windlass.bed/second";

/// Folders of the machine that containerd and kubelet insist on. A node mounts empty ones of its own there, which end
/// with the node.
const PRIVATE: [&str; 5] =
    ["/run/netns", "/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers"];

/// Makes the bridge that the node, BuildKit and the registries meet on.
pub fn bridge() -> Result<()> {
    // A killed keeper leaves its bridge. The routes are deleted with the bridge.
    let _ = sh(&format!("ip link delete {BRIDGE}"));
    sh(&format!("ip link add {BRIDGE} type bridge"))?;
    sh(&format!("ip address add {HOST}/24 dev {BRIDGE}"))?;
    sh(&format!("ip link set {BRIDGE} up"))?;
    Ok(())
}

/// Removes what the bed and its nodes made outside of their own folder: bridge, links with their routes, empty
/// cgroup folders, empty folders that a node mounted on.
pub fn remove_traces() {
    let _ = sh(&format!("ip link delete {BRIDGE}"));
    for number in 1..=3 {
        let _ = sh(&format!("ip link delete wlnode{number}"));
    }
    for folder in PRIVATE {
        // A folder that is not empty is this machine's.
        let _ = fs::remove_dir(folder);
    }
    sweep();
}

impl Node {
    /// Returns the name in the cluster.
    #[must_use]
    pub fn name(self) -> String {
        format!("node-{}", self.0)
    }

    fn address(self) -> String {
        format!("10.200.0.1{}", self.0)
    }

    fn pods(self) -> String {
        format!("10.244.{}.0/24", self.0)
    }

    /// Returns the folder of the node's configuration and state.
    #[must_use]
    pub fn folder(self, layout: &Layout) -> PathBuf {
        layout.at(&if self.0 == 1 { "node".into() } else { self.name() })
    }

    fn log(self, layout: &Layout, of: &str) -> PathBuf {
        let number = if self.0 == 1 { String::new() } else { format!("-{}", self.0) };
        layout.at(&format!("log/{of}{number}.log"))
    }

    /// Returns the control plane of the node.
    fn plane(self) -> Plane {
        Plane(if self.0 == 3 { 2 } else { 1 })
    }

    /// Returns the other node of the cluster.
    fn other(self) -> Option<Self> {
        match self.0 {
            1 => Some(Self(2)),
            2 => Some(Self(1)),
            _ => None,
        }
    }

    /// Starts the node, and waits until its condition `Ready` is true.
    pub fn up(self, layout: &Layout) -> Result<Running> {
        let folder = self.folder(layout);
        let _ = fs::remove_dir_all(&folder);
        if self.0 == 1 {
            sweep();
        }
        self.configure(layout, &folder)?;
        let log = self.log(layout, "node");
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--", "unshare", "--net", "--pid", "--mount", "--fork"])
            .args(["--kill-child=KILL"])
            .arg(bed_program()?)
            .args(["node-init".to_owned(), self.0.to_string()]);
        let mut part = start_command("node", &log, command)?;
        self.connect(&mut part, &log)?;
        let name = self.name();
        let ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
        await_ready(&mut part, &log, Duration::from_secs(60), || {
            let asked = self.plane().kubectl(layout, &["get", "node", &name, "-o", ready]);
            asked.is_ok_and(|ready| ready == "True")
        })?;
        Ok(part)
    }

    /// Gives the node one end of a veth pair, and the host its routes to the node.
    fn connect(self, part: &mut Running, log: &Path) -> Result<()> {
        // unshare(1) forks: the node is the child of unshare, and has its namespaces before it runs anything.
        let children = format!("/proc/{0}/task/{0}/children", part.id());
        let mut node = String::new();
        await_ready(part, log, Duration::from_secs(10), || {
            let text = fs::read_to_string(&children).unwrap_or_default();
            node = text.split_whitespace().next().unwrap_or_default().to_owned();
            !node.is_empty()
        })?;
        let link = format!("wlnode{}", self.0);
        let address = self.address();
        let _ = sh(&format!("ip link delete {link}"));
        sh(&format!("ip link add {link} type veth peer name eth0 netns {node}"))?;
        sh(&format!("ip link set {link} master {BRIDGE} up"))?;
        sh(&format!("ip route replace {} via {address}", self.pods()))?;
        if self.0 != 2 {
            sh(&format!("ip route replace {} via {address}", self.plane().services()))?;
        }
        Ok(())
    }

    fn configure(self, layout: &Layout, folder: &Path) -> Result<()> {
        let at = |name: &str| folder.join(name).display().to_string();
        for name in ["cni", "kubelet", "pods-log"] {
            fs::create_dir_all(folder.join(name))?;
        }
        for registry in [layout.registry(), layout.private_registry(), layout.soak_registry()] {
            let hosts = folder.join("certs.d").join(&registry);
            fs::create_dir_all(&hosts)?;
            // Without both `server` and `host`, containerd tries HTTPS.
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
             [plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"{}\"\n\
             [plugins.\"io.containerd.internal.v1.opt\"]\npath = \"{}\"\n",
                at("containerd"),
                at("run"),
                at("c.sock"),
                layout.registry(),
                at("cni"),
                at("certs.d"),
                at("opt"),
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
                        "ranges": [[{ "subnet": self.pods() }]], "routes": [{ "dst": "0.0.0.0/0" }],
                    },
                },
                { "type": "portmap", "capabilities": { "portMappings": true } },
            ],
        })
        .to_string(),
    )?;
        let kube = self.plane().folder(layout);
        let pki = kube.join("pki");
        // serializeImagePulls: the pull that hangs in one test would hold up the pods of all others. Events keep
        // the kubelet's own limits: a limit of 0 is client-go's five requests a second, half a minute late here.
        fs::write(
        folder.join("kubelet.json"),
        serde_json::json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": self.address(), "cgroupDriver": "cgroupfs", "failCgroupV1": false, "failSwapOn": false,
            "cgroupsPerQOS": false, "enforceNodeAllocatable": [], "makeIPTablesUtilChains": false,
            "containerRuntimeEndpoint": format!("unix://{}", at("c.sock")),
            "authentication": {
                "anonymous": { "enabled": false }, "webhook": { "enabled": true },
                "x509": { "clientCAFile": pki.join("ca.crt") },
            },
            "authorization": { "mode": "Webhook" },
            "tlsCertFile": pki.join(format!("kubelet-{}.crt", self.0)), "tlsPrivateKeyFile": pki.join(format!("kubelet-{}.key", self.0)),
            "evictionHard": { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
            "registryPullQPS": 0, "serializeImagePulls": false, "podLogsDir": at("pods-log"), "maxPods": 200,
            "volumePluginDir": at("volume-plugins"),
        })
        .to_string(),
    )?;
        fs::write(
            folder.join("proxy.json"),
            serde_json::json!({
                "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
                "mode": "nftables", "hostnameOverride": self.name(),
                "conntrack": { "maxPerCore": 0, "min": 0 },
                "clientConnection": { "kubeconfig": kube.join("proxy.kubeconfig") },
            })
            .to_string(),
        )?;
        Ok(())
    }

    /// Runs as the node's first process, in the node's namespaces: mounts, network, then the three daemons. Returns
    /// when one of the daemons ends, and the node ends with this process.
    pub fn init(self, layout: &Layout) -> Result<()> {
        let folder = self.folder(layout);
        sh("mount --make-rprivate /")?;
        sh("mount -t proc proc /proc")?;
        for folder in PRIVATE {
            fs::create_dir_all(folder)?;
            sh(&format!("mount -t tmpfs tmpfs {folder}"))?;
        }
        sh("ip link set lo up")?;
        while sh("ip link show eth0").is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        sh(&format!("ip address add {}/24 dev eth0", self.address()))?;
        sh("ip link set eth0 up")?;
        sh(&format!("ip route add default via {HOST}"))?;
        if let Some(other) = self.other() {
            sh(&format!("ip route add {} via {}", other.pods(), other.address()))?;
        }
        fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;

        let log = |name: &str| self.log(layout, name);
        let at = |name: &str| folder.join(name).display().to_string();
        let containerd = Path::new("/usr/bin/containerd");
        let args = ["--config".to_owned(), at("containerd.toml")];
        let mut part = start("containerd", &log("containerd"), containerd, args)?;
        let socket = folder.join("c.sock");
        await_ready(&mut part, &log("containerd"), Duration::from_secs(20), || socket.exists())?;
        let kubeconfig = self.plane().folder(layout).join(format!("kubelet-{}.kubeconfig", self.0));
        let mut args = vec![
            format!("--config={}", at("kubelet.json")),
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--root-dir={}", at("kubelet")),
            format!("--cert-dir={}", at("kubelet/pki")),
            format!("--hostname-override={}", self.name()),
            format!("--node-ip={}", self.address()),
        ];
        if self.0 == 2 {
            args.push(format!("--register-with-taints={SECOND}=yes:NoSchedule"));
        }
        let mut kubelet = start("kubelet", &log("kubelet"), &layout.program("kubelet"), args)?;
        let args = [format!("--config={}", at("proxy.json"))];
        let mut proxy =
            start("kube-proxy", &log("kube-proxy"), &layout.program("kube-proxy"), args)?;
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
}

/// Removes what killed nodes leave: empty cgroup folders.
fn sweep() {
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

/// Returns whether something listens at the API server's address.
#[must_use]
pub fn api_listens() -> bool {
    listens(HOST, port::API)
}

/// Builds the pause program that holds a pod's namespaces.
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
