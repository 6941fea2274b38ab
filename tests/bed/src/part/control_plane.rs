//! Control planes of Kubernetes: etcd, API server, controller manager, scheduler.

use super::pki;
use crate::{
    Layout, Result,
    layout::{HOST, SERVICES, port},
    process::{Running, await_ready, listens, run, start},
};
use std::{fs, path::PathBuf, process::Command, time::Duration};

/// A control plane by its number. The first is the bed's own. The second is for tests of several clusters: it has
/// another CA, other accounts, and [`super::node::Node`] 3.
#[derive(Clone, Copy, Debug)]
pub struct Plane(pub u8);

impl Plane {
    /// Returns the folder of certificates, kubeconfigs and etcd's data.
    #[must_use]
    pub fn folder(self, layout: &Layout) -> PathBuf {
        layout.at(&format!("kube{}", self.suffix()))
    }

    /// Returns the path of the admin's kubeconfig.
    #[must_use]
    pub fn kubeconfig(self, layout: &Layout) -> PathBuf {
        self.folder(layout).join("admin.kubeconfig")
    }

    /// Returns the addresses of the cluster's Services (`--service-cluster-ip-range`).
    #[must_use]
    pub fn services(self) -> String {
        match self.0 {
            1 => SERVICES.into(),
            other => format!("10.{}.0.0/16", 95 + u16::from(other)),
        }
    }

    fn suffix(self) -> String {
        match self.0 {
            1 => String::new(),
            other => format!("-{other}"),
        }
    }

    fn port(self) -> u16 {
        port::API + u16::from(self.0) - 1
    }

    fn etcd(self) -> u16 {
        port::ETCD + 2 * (u16::from(self.0) - 1)
    }

    /// Starts the control plane on an empty etcd, and waits until `/readyz` of the API server is `ok`.
    pub fn up(self, layout: &Layout) -> Result<Vec<Running>> {
        let kube = self.folder(layout);
        let _ = fs::remove_dir_all(&kube);
        let pki_folder = kube.join("pki");
        pki::write(&pki_folder)?;
        let server = format!("https://{HOST}:{}", self.port());
        let kubelets = ["kubelet-1", "kubelet-2", "kubelet-3"];
        for leaf in
            ["admin", "controller-manager", "scheduler", "proxy"].into_iter().chain(kubelets)
        {
            let file = kube.join(format!("{leaf}.kubeconfig"));
            pki::kubeconfig(&pki_folder, leaf, &server, &file)?;
        }
        fs::write(
            kube.join("audit.yaml"),
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n",
        )?;
        let pki = |file: &str| pki_folder.join(file).display().to_string();
        let log = |name: &str| layout.at(&format!("log/{name}{}.log", self.suffix()));
        let mut parts = Vec::new();

        let etcd = format!("http://127.0.0.1:{}", self.etcd());
        let peer = format!("http://127.0.0.1:{}", self.etcd() + 1);
        let args = [
            format!("--data-dir={}", kube.join("etcd").display()),
            format!("--listen-client-urls={etcd}"),
            format!("--advertise-client-urls={etcd}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            "--unsafe-no-fsync".into(),
        ];
        let mut part = start("etcd", &log("etcd"), &layout.program("etcd"), args)?;
        let limit = Duration::from_secs(30);
        await_ready(&mut part, &log("etcd"), limit, || listens("127.0.0.1", self.etcd()))?;
        parts.push(part);

        let args = [
            format!("--etcd-servers={etcd}"),
            "--bind-address=0.0.0.0".into(),
            format!("--advertise-address={HOST}"),
            format!("--secure-port={}", self.port()),
            format!("--tls-cert-file={}", pki("apiserver.crt")),
            format!("--tls-private-key-file={}", pki("apiserver.key")),
            format!("--client-ca-file={}", pki("ca.crt")),
            format!("--kubelet-client-certificate={}", pki("to-kubelet.crt")),
            format!("--kubelet-client-key={}", pki("to-kubelet.key")),
            format!("--kubelet-certificate-authority={}", pki("ca.crt")),
            "--kubelet-preferred-address-types=InternalIP".into(),
            "--authorization-mode=Node,RBAC".into(),
            format!("--service-cluster-ip-range={}", self.services()),
            "--allow-privileged=true".into(),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={}", pki("accounts.pub")),
            format!("--service-account-signing-key-file={}", pki("accounts.key")),
            "--endpoint-reconciler-type=none".into(),
            format!("--audit-policy-file={}", kube.join("audit.yaml").display()),
            format!("--audit-log-path={}", kube.join("audit.log").display()),
        ];
        let mut part =
            start("apiserver", &log("apiserver"), &layout.program("kube-apiserver"), args)?;
        let ready =
            || self.kubectl(layout, &["get", "--raw", "/readyz"]).is_ok_and(|text| text == "ok");
        await_ready(&mut part, &log("apiserver"), Duration::from_secs(90), ready)?;
        parts.push(part);

        let config = |leaf: &str| {
            format!("--kubeconfig={}", kube.join(format!("{leaf}.kubeconfig")).display())
        };
        let args = [
            config("controller-manager"),
            format!("--service-account-private-key-file={}", pki("accounts.key")),
            format!("--root-ca-file={}", pki("ca.crt")),
            "--leader-elect=false".into(),
            "--use-service-account-credentials=true".into(),
            "--allocate-node-cidrs=false".into(),
            "--secure-port=0".into(),
        ];
        let program = layout.program("kube-controller-manager");
        parts.push(start("controller-manager", &log("controller-manager"), &program, args)?);
        let args = [config("scheduler"), "--leader-elect=false".into(), "--secure-port=0".into()];
        parts.push(start("scheduler", &log("scheduler"), &layout.program("kube-scheduler"), args)?);
        Ok(parts)
    }

    /// Runs kubectl as this cluster's admin.
    pub fn kubectl(self, layout: &Layout, args: &[&str]) -> Result<String> {
        run(self.kubectl_command(layout).args(args))
    }

    fn kubectl_command(self, layout: &Layout) -> Command {
        let mut command = Command::new(layout.program("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig(layout));
        command
    }
}

/// Runs kubectl as the admin of the bed's cluster.
pub fn kubectl(layout: &Layout, args: &[&str]) -> Result<String> {
    Plane(1).kubectl(layout, args)
}

/// Returns kubectl as the admin of the bed's cluster, without arguments.
pub(super) fn kubectl_command(layout: &Layout) -> Command {
    Plane(1).kubectl_command(layout)
}
