# crystal app, found by `others`
# start sh -c exec /app/bin/web --port $PORT: shard.yml:7 targets
# crystal 1: default

FROM crystallang/crystal:1 AS build
WORKDIR /app
COPY shard.yml shard.lock ./
RUN ["shards", "install", "--production"]
COPY . ./
RUN ["shards", "build", "web", "--release", "--production"]

# the program links the libraries of the image that built it
FROM crystallang/crystal:1 AS run
WORKDIR /app
COPY --from=build /app/bin/web ./bin/
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec /app/bin/web --port $PORT"]
