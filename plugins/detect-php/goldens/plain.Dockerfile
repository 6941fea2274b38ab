# php app, found by `php`
# php 8.3: .php-version:1
# root .: index.php
# start sh -c exec frankenphp php-server --root /app --listen :$PORT: index.php

FROM dunglas/frankenphp:1-php8.3 AS base
WORKDIR /app
RUN ["install-php-extensions", "opcache"]
# A copy has no file capability, which would keep it from starting without capabilities
RUN ["sh", "-c", "cp /usr/local/bin/frankenphp /tmp/frankenphp && mv /tmp/frankenphp /usr/local/bin/frankenphp"]

FROM base AS build
WORKDIR /app
COPY . .

FROM base AS run
WORKDIR /app
COPY --from=build /app /app
ENV XDG_CONFIG_HOME="/tmp/config" \
    XDG_DATA_HOME="/tmp/data"
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec frankenphp php-server --root /app --listen :$PORT"]
