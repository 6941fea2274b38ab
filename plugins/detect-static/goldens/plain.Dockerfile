# static app, found by `static`
# folder .: index.html: plain files

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
    location = /windlass.toml {
        return 404;
    }
    error_page 404 /404.html;
}
WINDLASS
COPY ./ /srv
USER 101
EXPOSE 8080
