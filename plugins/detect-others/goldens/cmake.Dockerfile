# cpp app, found by `others`
# start /app/web: CMakeLists.txt:4 add_executable

FROM debian:bookworm-slim AS build
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential ca-certificates cmake git libssl-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . ./
RUN ["cmake", "-B", "build", "-DCMAKE_BUILD_TYPE=Release"]
RUN ["cmake", "--build", "build"]

FROM debian:bookworm-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /app/build/web /app/web
USER 10001
EXPOSE 8080
CMD ["/app/web"]
