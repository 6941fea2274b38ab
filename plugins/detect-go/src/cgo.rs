//! Programs that need a C compiler, and the libraries that they are linked with.

use crate::{layout::Layout, packages::Reached};

/// A module that is built by cgo.
struct Known {
    module: &'static str,
    /// Packages of the stage that builds, by Debian's names.
    build: &'static [&'static str],
    /// Packages of the stage that runs.
    run: &'static [&'static str],
}

/// Modules that cannot be built, or do nothing, without cgo. Most bring their C code along.
const KNOWN: [Known; 10] = [
    Known { module: "github.com/mattn/go-sqlite3", build: &[], run: &[] },
    Known { module: "github.com/confluentinc/confluent-kafka-go", build: &[], run: &[] },
    Known { module: "github.com/marcboeker/go-duckdb", build: &[], run: &["libstdc++6"] },
    Known { module: "github.com/chai2010/webp", build: &[], run: &[] },
    Known { module: "github.com/godror/godror", build: &[], run: &[] },
    Known { module: "github.com/davidbyttow/govips", build: &["libvips-dev"], run: &["libvips42"] },
    Known { module: "github.com/h2non/bimg", build: &["libvips-dev"], run: &["libvips42"] },
    Known {
        // `imagick.v3` is for ImageMagick 7, which Debian 12 does not have.
        module: "gopkg.in/gographics/imagick.v2",
        build: &["libmagickwand-dev"],
        run: &["libmagickwand-6.q16-6"],
    },
    Known { module: "github.com/pebbe/zmq4", build: &["libzmq3-dev"], run: &["libzmq5"] },
    Known {
        module: "github.com/linxGnu/grocksdb",
        build: &["librocksdb-dev"],
        run: &["librocksdb7.8"],
    },
];

/// Reason for cgo, and the packages that it needs.
pub(crate) struct Cgo {
    pub(crate) source: String,
    pub(crate) build: &'static [&'static str],
    pub(crate) run: &'static [&'static str],
}

/// Returns the reason for cgo. `None` means that the program is built without it.
pub(crate) fn of(layout: &Layout, reached: &Reached) -> Option<Cgo> {
    for Known { module, build, run } in KNOWN {
        if let Some((line, path)) = layout.requires(module) {
            let source = format!("go.mod:{line}: {path} is built by cgo");
            return Some(Cgo { source, build, run });
        }
    }
    let file = reached.c.as_ref()?;
    Some(Cgo { source: format!("{file}: imports C, so cgo is on"), build: &[], run: &[] })
}
