# node app, found by `node`
# node 22: package.json:1 engines.node
# yarn yarn.lock: yarn.lock
# start node server.js: package.json:1 scripts.start

FROM node:22-slim AS build
WORKDIR /app
COPY package.json yarn.lock .yarnrc.yml ./
COPY .yarn/releases ./.yarn/releases
RUN --mount=type=cache,target=/root/.yarn/berry/cache ["node", "/app/.yarn/releases/yarn-4.5.0.cjs", "install", "--immutable"]
COPY . .

FROM build AS prune
WORKDIR /app
RUN --mount=type=cache,target=/root/.yarn/berry/cache ["node", "/app/.yarn/releases/yarn-4.5.0.cjs", "workspaces", "focus", "--production"]

FROM node:22-slim AS run
WORKDIR /app
COPY --from=prune /app /app
ENV NODE_ENV="production"
USER 10001
EXPOSE 8080
CMD ["node", "server.js"]
