//! Test of a next track beside the present one. One linker holds both. One shim a track answers new imports
//! by the present host. The exports of a component name its track.

use crate::{
    bindings::{self, log},
    host::{CallContext, GuestOutput, State, link},
    limits::{Budget, Ledger, Limits, Tally},
    manifest::Kind,
    resources::Vault,
    tree::TreeHandle,
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::mpsc;
use wasmtime::{
    Engine, Store,
    component::{Component, HasSelf, InstancePre, Linker, Resource},
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

mod next {
    wasmtime::component::bindgen!({
        path: "src/draft",
        world: "windlass:plugin/detector-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

impl next::windlass::plugin::log::Host for State {
    async fn emit(
        &mut self,
        _: u8,
        message: String,
        (name, value): (String, String),
    ) -> wasmtime::Result<()> {
        log::Host::emit(self, log::Level::Info, format!("{message} {name}={value}")).await
    }
}

/// Detector of the present or the next track.
enum Detector {
    Present(bindings::detector::DetectorPluginPre<State>),
    Next(next::DetectorPluginPre<State>),
}

impl Detector {
    fn of(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        match next::DetectorPluginPre::new(pre.clone()) {
            Ok(pre) => Ok(Self::Next(pre)),
            Err(_) => Ok(Self::Present(bindings::detector::DetectorPluginPre::new(pre)?)),
        }
    }

    /// Returns the language, whichever record has it.
    async fn detect(&self, store: &mut Store<State>) -> wasmtime::Result<Option<String>> {
        match self {
            Self::Present(pre) => {
                let guest = pre.instantiate_async(&mut *store).await?;
                let tree = store.data_mut().lend(TreeHandle::memory(BTreeMap::new()))?;
                let tree = Resource::new_own(tree);
                let found = guest.windlass_plugin_detector().call_detect(store, tree, &[]).await?;
                Ok(found.ok().flatten().map(|found| found.language))
            }
            Self::Next(pre) => {
                let guest = pre.instantiate_async(&mut *store).await?;
                let found = guest.windlass_plugin_detector().call_detect(store, &[]).await?;
                Ok(found.map(|found| format!("{} in {}", found.language, found.root)))
            }
        }
    }
}

fn component(folder: &str, module: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let (package, _) = resolve.push_dir(folder).unwrap();
    let world = resolve.select_world(&[package], Some("detector-plugin")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

const REALLOC: &str =
    "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 4096))";

#[tokio::test]
async fn an_old_track_goes_on_beside_a_new_one() {
    let old = format!(
        "(module
          (import \"windlass:plugin/log@0.1.0\" \"emit\" (func $log (param i32 i32 i32)))
          (import \"windlass:plugin/workspace@0.1.0\" \"[resource-drop]tree\" (func $drop (param i32)))
          (memory (export \"memory\") 1) {REALLOC}
          (data (i32.const 1024) \"old\")
          (func (export \"windlass:plugin/detector@0.1.0#detect\") (param i32 i32 i32) (result i32)
            (call $log (i32.const 1) (i32.const 1024) (i32.const 3))
            (call $drop (local.get 0)) (i32.const 0)))"
    );
    let new = format!(
        "(module
          (import \"windlass:plugin/log@0.2.0\" \"emit\" (func $log (param i32 i32 i32 i32 i32 i32 i32)))
          (memory (export \"memory\") 1) {REALLOC}
          (data (i32.const 1024) \"new\")
          (data (i32.const 2048) \"\\01\\00\\00\\00\\00\\04\\00\\00\\03\\00\\00\\00\\50\\00\\00\\00\\00\\04\\00\\00\\03\\00\\00\\00\")
          (func (export \"windlass:plugin/detector@0.2.0#detect\") (param i32 i32) (result i32)
            (call $log (i32.const 1) (i32.const 1024) (i32.const 3)
              (i32.const 1024) (i32.const 1) (i32.const 1025) (i32.const 2))
            (i32.const 2048)))"
    );
    let engine = Engine::new(&crate::engine::config().unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    link(&mut linker).unwrap();
    next::windlass::plugin::log::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)
        .unwrap();
    for (bytes, answer, line) in [
        (component("../../wit", &old), None, "info: old"),
        (component("src/draft", &new), Some("new in new".to_owned()), "info: new n=ew"),
    ] {
        let component = Component::new(&engine, bytes).unwrap();
        let detector = Detector::of(linker.instantiate_pre(&component).unwrap()).unwrap();
        let (send, mut output) = mpsc::unbounded_channel();
        let limits = Limits::default().resolved(Kind::Detector, None);
        let context = CallContext {
            limits,
            ledger: Arc::<Ledger>::default(),
            granted: Arc::default(),
            vault: Vault::default(),
            settings: "{}".into(),
            project: String::new(),
        };
        let state = State::new(Arc::<Budget>::default(), context, Arc::<Tally>::default(), send);
        let mut store = Store::new(&engine, state);
        store.set_epoch_deadline(1_000);
        assert_eq!(detector.detect(&mut store).await.unwrap(), answer);
        let Some(GuestOutput::Line(emitted)) = output.recv().await else { panic!("no line") };
        assert_eq!(emitted, line);
    }
}
