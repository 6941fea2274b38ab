# elixir app, found by `elixir`
# elixir 1.14: default
# manager mix: mix.exs
# start shop: mix.exs: its release

FROM elixir:1.14-slim AS build
WORKDIR /app
ENV MIX_ENV="prod" \
    LANG="C.UTF-8"
COPY . /app/
RUN ["mix", "compile"]
# after the compiler, which writes hooks that the bundle takes in
RUN ["mix", "assets.deploy"]
RUN ["mix", "release", "--overwrite", "--path", "/out"]

# The release brings its Erlang, which needs the libraries of the image that built it
FROM elixir:1.14-slim AS run
WORKDIR /app
COPY --from=build --chown=10001:10001 /out/ /app/
ENV LANG="C.UTF-8" \
    RELEASE_TMP="/tmp"
USER 10001
EXPOSE 8080
CMD ["/app/bin/shop", "start"]
