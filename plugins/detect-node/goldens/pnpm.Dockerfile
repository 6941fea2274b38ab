# node app, found by `node`
# node 22: package.json:1 engines.node
# pnpm pnpm-lock.yaml: pnpm-lock.yaml
# start node server.js: package.json:1 scripts.start

FROM node:22-slim AS build
WORKDIR /app
ENV COREPACK_ENABLE_DOWNLOAD_PROMPT="0"
RUN ["corepack", "enable"]
RUN ["corepack", "prepare", "pnpm@9", "--activate"]
COPY package.json pnpm-lock.yaml .npmrc ./
COPY patches ./patches
RUN --mount=type=cache,target=/root/.local/share/pnpm/store ["pnpm", "install", "--frozen-lockfile"]
COPY . .

FROM build AS prune
WORKDIR /app
ENV CI="true"
RUN --mount=type=cache,target=/root/.local/share/pnpm/store ["pnpm", "prune", "--prod"]

FROM node:22-slim AS run
WORKDIR /app
COPY --from=prune /app /app
ENV NODE_ENV="production"
USER 10001
EXPOSE 8080
CMD ["node", "server.js"]
