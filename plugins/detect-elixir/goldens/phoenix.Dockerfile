# elixir app, found by `elixir`
# elixir 1.17: mix.exs:7 elixir
# manager mix: mix.exs
# start shop: mix.exs: its release

FROM elixir:1.17-slim AS build
WORKDIR /app
ENV MIX_ENV="prod" \
    LANG="C.UTF-8"
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential ca-certificates git \
    && rm -rf /var/lib/apt/lists/*
RUN ["mix", "local.hex", "--force"]
RUN ["mix", "local.rebar", "--force"]
COPY mix.exs mix.lock ./
# dependencies are compiled by these
COPY config/config.exs config/prod.exs ./config/
RUN ["mix", "deps.get", "--only", "prod"]
RUN ["mix", "deps.compile"]
COPY . /app/
RUN ["mix", "compile"]
# after the compiler, which writes hooks that the bundle takes in
RUN ["mix", "assets.deploy"]
RUN ["mix", "release", "--overwrite", "--path", "/out"]

# The release brings its Erlang, which needs the libraries of the image that built it
FROM elixir:1.17-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build --chown=10001:10001 /out/ /app/
ENV LANG="C.UTF-8" \
    PHX_SERVER="true" \
    RELEASE_TMP="/tmp"
USER 10001
EXPOSE 8080
CMD ["/app/bin/shop", "start"]
