# go app, found by `go`
# go 1.27: go.mod:3 go 1.22 or newer
# start /app/app -v: Procfile:1 web

FROM golang:1.27-bookworm AS build
WORKDIR /app
ENV CGO_ENABLED="0"
COPY go.mod ./
RUN ["go", "mod", "download"]
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "/out/app", "."]
RUN --mount=type=cache,target=/root/.cache/go-build ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "/out/worker", "./cmd/worker"]

FROM debian:bookworm-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/app /app/app
COPY --from=build /out/worker /app/worker
USER 10001
EXPOSE 8080
CMD ["/app/app", "-v"]
