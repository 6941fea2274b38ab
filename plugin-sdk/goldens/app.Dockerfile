# lua app, found by `lua`
# lua 5.4: .lua-version:1
# start lua app.lua: Procfile:2 web

# The rocks are compiled.
FROM debian:bookworm-slim AS build
WORKDIR /app
ENV CI="1" \
    A="\$b \"c\" \\"
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc lua5.4 \
    && rm -rf /var/lib/apt/lists/*
# Before the tree: this layer stays.
COPY ["rocks.json", "a b", "./"]
# With its cache.
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=rocks-token,env=ROCKS_TOKEN ["luarocks", "make", "a \"b\""]
COPY . ./

FROM alpine:3 AS small
WORKDIR /app
RUN apk add --no-cache lua5.4

FROM small AS run
WORKDIR /srv
RUN apk add --no-cache tzdata
COPY --from=build --chown=10001:10001 /app/data /srv/data
COPY --from=build /app/a /app/b /srv/
ENV LUA_ENV="production"
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec lua app.lua --port $PORT"]
