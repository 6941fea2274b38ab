# static app, found by `static`
# node 22: .nvmrc:1
# npm package-lock.json: package-lock.json
# framework Vite: package.json:4 devDependencies.vite
# build vite build: package.json:3 scripts.build

FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm ["npm", "ci"]
COPY . ./
RUN ["npm", "run", "build"]

# Static files: nginx without root, which listens on $PORT
FROM nginxinc/nginx-unprivileged:1-alpine-slim AS run
ENV PORT="8080" \
    NGINX_ENVSUBST_FILTER="^PORT"
COPY <<"WINDLASS" /etc/nginx/templates/default.conf.template
server {
    listen ${PORT};
    root /srv;
    absolute_redirect off;
    gzip on;
    gzip_types text/css application/javascript application/json image/svg+xml;
    location / {
        add_header Cache-Control "no-cache";
        try_files $uri $uri/index.html $uri.html /index.html;
    }
    location ~ /\.(?!well-known/) {
        return 404;
    }
    location /assets/ {
        add_header Cache-Control "public, max-age=31536000, immutable";
        try_files $uri =404;
    }
}
WINDLASS
COPY --from=build /app/dist /srv
USER 101
EXPOSE 8080
