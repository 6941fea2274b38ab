# rust app, found by `rust`
# rust 1: default
# manager cargo: crates/api/Cargo.toml
# port 3000: crates/api/src/main.rs:1

FROM rust:1-slim-bookworm AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends pkg-config \
    && rm -rf /var/lib/apt/lists/*
# Cargo reads the sources of all packages
COPY . /app/
# The folder of what is compiled is a cache, which other builds use too: one at a time, the app's own packages always again, and the program is copied out at once
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/usr/local/cargo/git --mount=type=cache,target=/var/cache/target ["sh", "-c", "export CARGO_TARGET_DIR=/var/cache/target && exec 9>/var/cache/target/.lock && flock 9 && find /app -type f -exec touch {} + && cargo build --release --locked -p api --bin api && mkdir -p /out && cp /var/cache/target/release/api /out/"]

FROM debian:bookworm-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /app/bin/
USER 10001
EXPOSE 3000
CMD ["/app/bin/api"]
