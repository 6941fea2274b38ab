# node app, found by `node`
# node 22: package.json:1 engines.node
# pnpm 9.15.9: package.json:1 packageManager
# start node server.js: apps/web/package.json:1 scripts.start

FROM node:22-slim AS install
WORKDIR /app
ENV COREPACK_ENABLE_DOWNLOAD_PROMPT="0"
RUN ["corepack", "enable"]
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY apps/admin/package.json ./apps/admin/
COPY apps/web/package.json ./apps/web/
COPY packages/money/package.json ./packages/money/
COPY packages/other/package.json ./packages/other/
RUN --mount=type=cache,target=/root/.local/share/pnpm/store ["pnpm", "install", "--frozen-lockfile"]

FROM install AS build
WORKDIR /app/apps/web
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml tsconfig.base.json /app/
COPY packages/money /app/packages/money
COPY apps/web /app/apps/web
# packages/money/package.json:1 scripts.build
RUN ["pnpm", "--filter", "web...", "run", "--if-present", "build"]

FROM build AS prune
WORKDIR /app
ENV CI="true"
RUN --mount=type=cache,target=/root/.local/share/pnpm/store ["sh", "-c", "find . -name node_modules -prune -exec rm -rf {} + && exec pnpm install --prod --frozen-lockfile --prefer-offline --filter web..."]

FROM node:22-slim AS run
WORKDIR /app/apps/web
COPY --from=prune /app /app
ENV NODE_ENV="production"
USER 10001
EXPOSE 8080
CMD ["node", "server.js"]
