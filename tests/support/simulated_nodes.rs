//! Nodes that kwok simulates: their pods are ready at once, and take nothing of this machine.

use crate::{Namespace, bed};
use std::time::Duration;
use windlass_bed::{
    install,
    process::{Running, await_ready, start},
};

/// Line of a `windlass.toml` whose `web` runs on simulated nodes.
pub const PLACEMENT: &str = "processes.web.placement = { nodes = { type = \"kwok\" }, tolerations = [{ key = \"kwok.x-k8s.io/node\" }] }\n";

/// Nodes that are simulated until this is dropped.
pub struct SimulatedNodes {
    _kwok: Running,
    namespace: Namespace,
}

impl SimulatedNodes {
    /// Makes so many nodes, and waits until the first is ready. [`install::for_benches`] builds the program. It ends
    /// with the thread that starts it.
    #[must_use]
    pub fn up(count: usize) -> Self {
        let layout = &bed().layout;
        let mut nodes = String::new();
        for number in 0..count {
            nodes.push_str(&format!(
                "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: kwok-{number}\n  annotations: {{ kwok.x-k8s.io/node: fake }}\n  labels: {{ type: kwok, kubernetes.io/hostname: kwok-{number} }}\nspec: {{ taints: [{{ key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule }}] }}\nstatus: {{ allocatable: {{ cpu: '32', memory: 256Gi, pods: '110' }}, capacity: {{ cpu: '32', memory: 256Gi, pods: '110' }} }}\n"
            ));
        }
        let log = layout.at("log/kwok.log");
        let mut args = vec![
            format!("--kubeconfig={}", bed().kubeconfig().display()),
            "--manage-all-nodes=false".to_owned(),
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake".to_owned(),
            // Without leases, nodes count as lost after forty seconds.
            "--node-lease-duration-seconds=40".to_owned(),
        ];
        let stages = install::kwok_stages().unwrap();
        args.extend(stages.iter().map(|file| format!("--config={}", file.display())));
        let mut kwok = start("kwok", &log, &layout.program("kwok"), args).unwrap();
        let namespace = Namespace::of("default");
        namespace.apply(&nodes);
        let ready =
            || namespace.get("node/kwok-0", "{.status.conditions[?(@.type=='Ready')].status}");
        await_ready(&mut kwok, &log, Duration::from_secs(60), || ready() == "True").unwrap();
        Self { _kwok: kwok, namespace }
    }
}

impl Drop for SimulatedNodes {
    fn drop(&mut self) {
        self.namespace.delete("nodes --selector type=kwok");
    }
}
