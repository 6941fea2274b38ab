# ruby app, found by `ruby`
# ruby 3.3.6: .ruby-version:1
# manager bundler: Gemfile.lock
# start bundle exec puma -C config/puma.rb: Gemfile:2 puma

FROM ruby:3.3.6-slim AS build
WORKDIR /app
ENV BUNDLE_FROZEN="1" \
    BUNDLE_WITHOUT="development:test" \
    GEM_HOME="/bundle" \
    PATH="/bundle/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    RACK_ENV="production" \
    RAILS_ENV="production"
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential git libpq-dev libyaml-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY Gemfile Gemfile.lock .ruby-version ./
RUN --mount=type=cache,target=/root/.bundle/cache ["bundle", "install"]
COPY . .
RUN ["bundle", "exec", "bootsnap", "precompile", "--gemfile", "app/", "lib/"]
RUN ["env", "SECRET_KEY_BASE_DUMMY=1", "SECRET_KEY_BASE=build-only", "SKIP_JS_BUILD=1", "bundle", "exec", "rake", "assets:precompile"]
RUN ["mkdir", "-p", "tmp/pids", "log", "storage"]

# Gems of tests are not in the image
FROM build AS test
WORKDIR /app
ENV BUNDLE_WITHOUT="" \
    RACK_ENV="test" \
    RAILS_ENV="test"
RUN --mount=type=cache,target=/root/.bundle/cache ["bundle", "install"]

FROM ruby:3.3.6-slim AS run
WORKDIR /app
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /bundle /bundle
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /app/tmp /app/tmp
COPY --from=build --chown=10001:10001 /app/log /app/log
COPY --from=build --chown=10001:10001 /app/storage /app/storage
COPY --from=build --chown=10001:10001 /app/db /app/db
ENV BUNDLE_FROZEN="1" \
    BUNDLE_WITHOUT="development:test" \
    GEM_HOME="/bundle" \
    PATH="/bundle/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    RACK_ENV="production" \
    RAILS_ENV="production" \
    RAILS_LOG_TO_STDOUT="1" \
    RAILS_SERVE_STATIC_FILES="1"
USER 10001
EXPOSE 8080
CMD ["bundle", "exec", "puma", "-C", "config/puma.rb"]
