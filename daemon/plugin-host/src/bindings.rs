//! Bindings that wasmtime generates from `wit/`: for each track its imports once, and the exports of each world.

/// Interfaces of track 0.1.0 that a plugin may import.
pub(crate) mod host {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package windlass:host;
            world imports {
                import windlass:plugin/log@0.1.0;
                import windlass:plugin/config@0.1.0;
                import windlass:plugin/clock@0.1.0;
                import windlass:plugin/workspace@0.1.0;
                import windlass:plugin/secrets@0.1.0;
                import windlass:plugin/http@0.1.0;
            }
        ",
        world: "windlass:host/imports",
        imports: { default: async | trappable },
        with: {
            "windlass:plugin/workspace.tree": crate::tree::TreeHandle,
            "windlass:plugin/secrets.secret": crate::resources::SecretHandle,
            "windlass:plugin/http.response": crate::resources::ResponseHandle,
        },
    });
}

/// Interfaces of track 0.2.0 that a plugin may import. A tree is the same resource in both.
pub(crate) mod next {
    wasmtime::component::bindgen!({
        path: "../../wit/0.2.0",
        inline: "
            package windlass:host;
            world imports {
                import windlass:plugin/log@0.2.0;
                import windlass:plugin/config@0.2.0;
                import windlass:plugin/clock@0.2.0;
                import windlass:plugin/workspace@0.2.0;
            }
        ",
        world: "windlass:host/imports",
        imports: { default: async | trappable },
        with: {
            "windlass:plugin/workspace.tree": crate::tree::TreeHandle,
        },
    });
}

/// Generates the exports of a world, for the imports of its track.
macro_rules! world {
    ($path:literal, $host:ident, $world:literal, [$($derive:path),*], $($import:literal => $module:ident),*) => {
        wasmtime::component::bindgen!({
            path: $path,
            world: $world,
            imports: { default: async | trappable },
            exports: { default: async },
            additional_derives: [$($derive),*],
            with: {
                "windlass:plugin/types": crate::bindings::$host::windlass::plugin::types,
                "windlass:plugin/log": crate::bindings::$host::windlass::plugin::log,
                "windlass:plugin/config": crate::bindings::$host::windlass::plugin::config,
                "windlass:plugin/clock": crate::bindings::$host::windlass::plugin::clock,
                $($import: crate::bindings::$host::windlass::plugin::$module,)*
            },
        });
    };
}

/// The detector's world of track 0.1.0.
pub(crate) mod detector {
    world!(
        "../../wit",
        host,
        "windlass:plugin/detector-plugin",
        [serde::Serialize, serde::Deserialize],
        "windlass:plugin/workspace" => workspace
    );
}

/// The detector's world of track 0.2.0.
pub(crate) mod detector_next {
    world!(
        "../../wit/0.2.0",
        next,
        "windlass:plugin/detector-plugin",
        [serde::Serialize, serde::Deserialize],
        "windlass:plugin/workspace" => workspace
    );
}

/// The test runner's world of track 0.1.0.
pub(crate) mod test_runner {
    world!(
        "../../wit",
        host,
        "windlass:plugin/test-runner-plugin",
        [serde::Serialize, serde::Deserialize],
        "windlass:plugin/workspace" => workspace
    );
}

/// The test runner's world of track 0.2.0.
pub(crate) mod test_runner_next {
    world!(
        "../../wit/0.2.0",
        next,
        "windlass:plugin/test-runner-plugin",
        [serde::Serialize, serde::Deserialize],
        "windlass:plugin/workspace" => workspace
    );
}

/// The registry login's world.
pub(crate) mod registry_auth {
    world!(
        "../../wit",
        host,
        "windlass:plugin/registry-auth-plugin",
        [],
        "windlass:plugin/secrets" => secrets,
        "windlass:plugin/http" => http
    );
}

/// The deploy hook's world.
pub(crate) mod deploy_hook {
    world!(
        "../../wit",
        host,
        "windlass:plugin/deploy-hook-plugin",
        [serde::Serialize, serde::Deserialize],
        "windlass:plugin/secrets" => secrets,
        "windlass:plugin/http" => http
    );
}

pub(crate) use host::windlass::plugin::{clock, config, http, log, secrets, types, workspace};
