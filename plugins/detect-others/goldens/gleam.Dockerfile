# gleam app, found by `others`
# start /app/entrypoint.sh run: src/web.gleam: pub fn main
# gleam 1.19.1: gleam.toml:2 gleam

FROM ghcr.io/gleam-lang/gleam:v1.19.1-erlang-alpine AS build
WORKDIR /app
COPY gleam.toml ./
RUN ["gleam", "deps", "download"]
COPY . ./
RUN ["gleam", "export", "erlang-shipment"]

# the shipment runs on the Erlang that built it
FROM ghcr.io/gleam-lang/gleam:v1.19.1-erlang-alpine AS run
WORKDIR /app
COPY --from=build /app/build/erlang-shipment ./
USER 10001
EXPOSE 8080
CMD ["/app/entrypoint.sh", "run"]
