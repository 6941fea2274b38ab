# bun app, found by `bun`
# bun 1: default
# manager bun: bun.lock
# start bun src/index.ts: package.json:1 module
# port 8080: default: Bun.serve reads PORT

FROM oven/bun:1-slim AS build
WORKDIR /app
COPY . .

FROM oven/bun:1-slim AS run
WORKDIR /app
ENV NODE_ENV="production"
COPY --from=build /app/ /app/
USER 10001
EXPOSE 8080
CMD ["bun", "src/index.ts"]
