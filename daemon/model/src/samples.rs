//! Values for tests: of this crate and of those above it.

use crate::{
    app::App,
    cluster::Clusters,
    job::{Image, Release},
    runtime::Runtime,
    spec::web,
};

/// Returns the release `0197` of `shop/web`: one pod that listens at 8080, as user 10001.
#[must_use]
pub fn release() -> Release {
    let mut web = web(8080, None);
    web.resources.memory_limit = "128Mi".into();
    Release {
        id: "0197".into(),
        clusters: Clusters::default().names,
        app: App { project: "shop".into(), name: "web".into(), environment: "production".into() },
        commit: "c0ffee".into(),
        image: Image {
            reference: "r.example/shop/web:c0ffee".into(),
            digest: "sha256:12".into(),
            bytes: None,
        },
        hooks: std::collections::BTreeMap::new(),
        runtime: Runtime { user: Some(10001), processes: vec![web], ..Runtime::default() },
    }
}
