# dart app, found by `others`
# start /app/server: bin/server.dart: the program
# dart stable: default

FROM dart:stable AS build
WORKDIR /app
COPY pubspec.yaml ./
RUN ["dart", "pub", "get"]
COPY . ./
RUN ["dart", "pub", "get", "--offline"]
RUN ["mkdir", "/out"]
RUN ["dart", "compile", "exe", "bin/server.dart", "-o", "/out/server"]

FROM debian:bookworm-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/server ./
USER 10001
EXPOSE 8080
CMD ["/app/server"]
