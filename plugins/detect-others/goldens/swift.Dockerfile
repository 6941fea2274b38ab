# swift app, found by `others`
# start sh -c exec /app/server serve --env production --hostname 0.0.0.0 --port $PORT: Package.swift:5 executableTarget
# swift 6.1: Package.swift:1 swift-tools-version

# the variant with the C library of the image that runs
FROM swift:6.1-bookworm AS build
WORKDIR /app
COPY Package.swift ./
RUN ["swift", "package", "resolve"]
COPY . ./
RUN ["swift", "build", "-c", "release", "--static-swift-stdlib", "--product", "App"]
RUN ["sh", "-c", "cp \"$(swift build -c release --show-bin-path)/App\" /server"]

FROM debian:bookworm-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcurl4 libxml2 tzdata \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /server /app/server
COPY --from=build /app/Public ./Public
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec /app/server serve --env production --hostname 0.0.0.0 --port $PORT"]
