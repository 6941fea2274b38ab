# php app, found by `php`
# php 8.3: composer.json:3 require.php
# root public: composer.json:5 Laravel
# manager composer: composer.lock
# start sh -c exec frankenphp php-server --root /app/public --listen :$PORT: composer.json:5 Laravel

FROM composer:2 AS composer
WORKDIR /app

FROM dunglas/frankenphp:1-php8.3 AS base
WORKDIR /app
RUN ["install-php-extensions", "gd", "intl", "opcache"]
# A copy has no file capability, which would keep it from starting without capabilities
RUN ["sh", "-c", "cp /usr/local/bin/frankenphp /tmp/frankenphp && mv /tmp/frankenphp /usr/local/bin/frankenphp"]

FROM base AS build
WORKDIR /app
ENV COMPOSER_ALLOW_SUPERUSER="1" \
    COMPOSER_CACHE_DIR="/tmp/cache"
RUN apt-get update \
    && apt-get install -y --no-install-recommends git unzip \
    && rm -rf /var/lib/apt/lists/*
COPY --from=composer /usr/bin/composer /usr/local/bin/composer
COPY composer.json composer.lock ./
RUN --mount=type=cache,target=/tmp/cache ["composer", "install", "--no-dev", "--optimize-autoloader", "--no-interaction", "--no-scripts"]
COPY . .
RUN ["composer", "dump-autoload", "--no-dev", "--optimize"]
RUN ["php", "artisan", "package:discover"]
RUN ["mkdir", "-p", "bootstrap/cache", "storage", "storage/framework/cache/data", "storage/framework/sessions", "storage/framework/views", "storage/logs"]

# Packages of tests are not in the image
FROM build AS test
WORKDIR /app
RUN --mount=type=cache,target=/tmp/cache ["composer", "install", "--no-interaction", "--no-scripts"]

FROM base AS run
WORKDIR /app
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /app/bootstrap/cache /app/bootstrap/cache
COPY --from=build --chown=10001:10001 /app/storage /app/storage
ENV XDG_CONFIG_HOME="/tmp/config" \
    XDG_DATA_HOME="/tmp/data" \
    APP_ENV="production" \
    LOG_CHANNEL="stderr"
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec frankenphp php-server --root /app/public --listen :$PORT"]
