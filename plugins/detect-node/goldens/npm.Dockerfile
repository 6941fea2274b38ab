# node app, found by `node`
# node 22: package.json:1 engines.node
# npm package-lock.json: package-lock.json
# start node server.js: package.json:1 scripts.start

FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm ["npm", "ci"]
COPY . .

FROM build AS prune
WORKDIR /app
RUN --mount=type=cache,target=/root/.npm ["npm", "prune", "--omit=dev"]

FROM node:22-slim AS run
WORKDIR /app
COPY --from=prune /app /app
ENV NODE_ENV="production"
USER 10001
EXPOSE 8080
CMD ["node", "server.js"]
