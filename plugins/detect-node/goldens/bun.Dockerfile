# node app, found by `node`
# node 22: package.json:1 engines.node
# bun bun.lock: bun.lock
# start node server.js: package.json:1 scripts.start

# bun installs, node runs
FROM oven/bun:1-slim AS bun
WORKDIR /app

FROM node:22-slim AS build
WORKDIR /app
COPY --from=bun /usr/local/bin/bun /usr/local/bin/bun
COPY package.json bun.lock ./
RUN --mount=type=cache,target=/root/.bun/install/cache ["bun", "install", "--frozen-lockfile"]
COPY . .

FROM build AS prune
WORKDIR /app
RUN --mount=type=cache,target=/root/.bun/install/cache ["sh", "-c", "find . -name node_modules -prune -exec rm -rf {} + && exec bun install --production --frozen-lockfile"]

FROM node:22-slim AS run
WORKDIR /app
COPY --from=prune /app /app
ENV NODE_ENV="production"
USER 10001
EXPOSE 8080
CMD ["node", "server.js"]
