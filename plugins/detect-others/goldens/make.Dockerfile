# cpp app, found by `others`
# start /app/web: Makefile:2 TARGET

FROM debian:bookworm-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential ca-certificates git \
    && rm -rf /var/lib/apt/lists/*
COPY . ./
RUN ["make"]

FROM debian:bookworm-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /app/web /app/web
USER 10001
EXPOSE 8080
CMD ["/app/web"]
