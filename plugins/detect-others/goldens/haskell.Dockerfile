# haskell app, found by `others`
# start /app/web-server: web.cabal:3 executable
# ghc 9: default

FROM haskell:9-slim AS build
WORKDIR /app
COPY web.cabal ./
RUN ["cabal", "update"]
RUN ["cabal", "build", "--only-dependencies", "exe:web-server"]
COPY . ./
RUN ["cabal", "install", "exe:web-server", "--install-method=copy", "--installdir=/out"]

FROM debian:bookworm-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libgmp10 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/web-server ./
USER 10001
EXPOSE 8080
CMD ["/app/web-server"]
