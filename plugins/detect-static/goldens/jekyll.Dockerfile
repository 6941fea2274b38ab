# static app, found by `static`
# ruby 3.3.6: Gemfile:2 ruby
# framework Jekyll: Gemfile:3

FROM ruby:3.3.6-slim AS build
WORKDIR /app
ENV JEKYLL_ENV="production"
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential git \
    && rm -rf /var/lib/apt/lists/*
COPY Gemfile Gemfile.lock ./
RUN --mount=type=cache,target=/usr/local/bundle/cache ["bundle", "install"]
COPY . ./
RUN ["bundle", "exec", "jekyll", "build"]

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
}
WINDLASS
COPY --from=build /app/_site /srv
USER 101
EXPOSE 8080
