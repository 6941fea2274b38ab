# bun app, found by `bun`
# bun 1: default
# manager bun: bun.lock
# start bun run src/index.ts: package.json:4 scripts.start
# build bun run build: package.json:5 scripts.build
# port 8080: default: Bun.serve reads PORT

FROM oven/bun:1-slim AS build
WORKDIR /app
COPY package.json bun.lock ./
RUN --mount=type=cache,target=/root/.bun/install/cache ["bun", "install", "--frozen-lockfile"]
COPY . .
RUN ["bun", "run", "build"]

FROM build AS prune
WORKDIR /app
RUN ["find", ".", "-name", "node_modules", "-prune", "-exec", "rm", "-rf", "{}", "+"]
RUN --mount=type=cache,target=/root/.bun/install/cache ["bun", "install", "--production", "--frozen-lockfile"]

FROM oven/bun:1-slim AS run
WORKDIR /app
ENV NODE_ENV="production"
COPY --from=prune /app/ /app/
ENV NODE_ENV="production"
USER 10001
EXPOSE 8080
CMD ["bun", "run", "src/index.ts"]
