# python app, found by `python`
# python 3.12: uv.lock:1 requires-python
# manager uv: uv.lock
# start sh -c exec uvicorn main:app --host 0.0.0.0 --port $PORT: main.py:3 app

FROM python:3.12-slim AS build
WORKDIR /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONDONTWRITEBYTECODE="1" \
    UV_PROJECT_ENVIRONMENT="/venv" \
    UV_LINK_MODE="copy" \
    UV_PYTHON="3.12" \
    UV_PYTHON_DOWNLOADS="never"
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install", "uv>=0.5"]
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv ["uv", "sync", "--frozen", "--no-dev", "--no-install-project"]
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv ["uv", "sync", "--frozen", "--no-dev"]

# Dependencies of tests are not in the image
FROM build AS test
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv ["uv", "sync", "--frozen", "--all-groups"]

FROM python:3.12-slim AS run
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONUNBUFFERED="1"
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec uvicorn main:app --host 0.0.0.0 --port $PORT"]
