//! Generated bindings, a module for each world. Detectors and test runners are of track 0.2.0, logins and hooks of
//! 0.1.0.

#![allow(missing_docs, unreachable_pub, reason = "generated; the WIT has the documentation")]

/// Interfaces that plugins of track 0.1.0 import.
pub mod imports {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package windlass:sdk;
            world imports {
                import windlass:plugin/log@0.1.0;
                import windlass:plugin/config@0.1.0;
                import windlass:plugin/clock@0.1.0;
                import windlass:plugin/workspace@0.1.0;
                import windlass:plugin/secrets@0.1.0;
                import windlass:plugin/http@0.1.0;
            }
        ",
        world: "windlass:sdk/imports",
        generate_all,
    });
}

/// Interfaces that plugins of track 0.2.0 import. The types are those of 0.1.0, which have not changed: helpers for
/// errors serve both.
pub mod imports_next {
    wit_bindgen::generate!({
        path: "../wit/0.2.0",
        inline: "
            package windlass:sdk-next;
            world imports {
                import windlass:plugin/log@0.2.0;
                import windlass:plugin/config@0.2.0;
                import windlass:plugin/clock@0.2.0;
                import windlass:plugin/workspace@0.2.0;
            }
        ",
        world: "windlass:sdk-next/imports",
        with: {
            "windlass:plugin/types@0.2.0": crate::bindings::imports::windlass::plugin::types,
        },
        generate_all,
    });
}

/// A world of track 0.1.0.
macro_rules! world {
    ($module:ident, $world:literal, $macro:literal, $own:literal) => {
        #[doc = concat!("The world `", $world, "` of track 0.1.0.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $macro,
                default_bindings_module: $own,
                with: {
                    "windlass:plugin/types@0.1.0": crate::bindings::imports::windlass::plugin::types,
                    "windlass:plugin/log@0.1.0": crate::bindings::imports::windlass::plugin::log,
                    "windlass:plugin/config@0.1.0": crate::bindings::imports::windlass::plugin::config,
                    "windlass:plugin/clock@0.1.0": crate::bindings::imports::windlass::plugin::clock,
                    "windlass:plugin/secrets@0.1.0": crate::bindings::imports::windlass::plugin::secrets,
                    "windlass:plugin/http@0.1.0": crate::bindings::imports::windlass::plugin::http,
                },
            });
        }
    };
}

/// A world of track 0.2.0. Answers are compared in tests.
macro_rules! next_world {
    ($module:ident, $world:literal, $macro:literal, $own:literal) => {
        #[doc = concat!("The world `", $world, "` of track 0.2.0.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit/0.2.0",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $macro,
                default_bindings_module: $own,
                additional_derives: [PartialEq, Eq],
                with: {
                    "windlass:plugin/types@0.2.0": crate::bindings::imports::windlass::plugin::types,
                    "windlass:plugin/log@0.2.0": crate::bindings::imports_next::windlass::plugin::log,
                    "windlass:plugin/config@0.2.0": crate::bindings::imports_next::windlass::plugin::config,
                    "windlass:plugin/clock@0.2.0": crate::bindings::imports_next::windlass::plugin::clock,
                    "windlass:plugin/workspace@0.2.0": crate::bindings::imports_next::windlass::plugin::workspace,
                },
            });
        }
    };
}

next_world!(
    detector,
    "detector-plugin",
    "export_detector",
    "windlass_plugin_sdk::bindings::detector"
);
next_world!(
    test_runner,
    "test-runner-plugin",
    "export_test_runner",
    "windlass_plugin_sdk::bindings::test_runner"
);
world!(
    registry_auth,
    "registry-auth-plugin",
    "export_registry_auth",
    "windlass_plugin_sdk::bindings::registry_auth"
);
world!(
    deploy_hook,
    "deploy-hook-plugin",
    "export_deploy_hook",
    "windlass_plugin_sdk::bindings::deploy_hook"
);
