# ruby app, found by `ruby`
# ruby 3.2.2: Gemfile.lock:15 RUBY VERSION
# manager bundler: Gemfile.lock
# start sh -c exec bundle exec puma -b tcp://0.0.0.0:$PORT: Gemfile:1 puma

FROM ruby:3.2.2-slim AS build
WORKDIR /app
ENV BUNDLE_FROZEN="1" \
    BUNDLE_WITHOUT="development:test" \
    GEM_HOME="/bundle" \
    PATH="/bundle/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    RACK_ENV="production"
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential git libyaml-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
RUN ["gem", "install", "bundler", "-v", "2.5.3", "--no-document"]
COPY Gemfile Gemfile.lock ./
RUN --mount=type=cache,target=/root/.bundle/cache ["bundle", "install"]
COPY . .

FROM ruby:3.2.2-slim AS run
WORKDIR /app
COPY --from=build /bundle /bundle
COPY --from=build /app /app
ENV BUNDLE_FROZEN="1" \
    BUNDLE_WITHOUT="development:test" \
    GEM_HOME="/bundle" \
    PATH="/bundle/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    RACK_ENV="production"
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec bundle exec puma -b tcp://0.0.0.0:$PORT"]
