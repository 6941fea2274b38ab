# static app, found by `static`
# python 3.12: .python-version:1
# framework MkDocs: mkdocs.yml
# manager pip: docs/requirements.txt:1

FROM python:3.12-slim AS build
WORKDIR /app
COPY docs/requirements.txt ./docs/
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install", "-r", "docs/requirements.txt"]
COPY . ./
RUN ["mkdocs", "build"]

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
        try_files $uri $uri/index.html $uri.html =404;
    }
    location ~ /\.(?!well-known/) {
        return 404;
    }
    error_page 404 /404.html;
}
WINDLASS
COPY --from=build /app/site /srv
USER 101
EXPOSE 8080
