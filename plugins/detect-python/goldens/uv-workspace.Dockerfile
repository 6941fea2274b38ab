# python app, found by `python`
# python 3.12: pyproject.toml:3 project.requires-python
# manager uv: uv.lock
# start sh -c exec uvicorn main:app --host 0.0.0.0 --port $PORT: main.py:3 app

FROM python:3.12-slim AS build
WORKDIR /app/apps/web
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONDONTWRITEBYTECODE="1" \
    UV_PROJECT_ENVIRONMENT="/venv" \
    UV_LINK_MODE="copy" \
    UV_PYTHON="3.12" \
    UV_PYTHON_DOWNLOADS="never"
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install", "uv"]
COPY pyproject.toml uv.lock /app/
COPY apps/mail/pyproject.toml /app/apps/mail/
COPY apps/web/pyproject.toml /app/apps/web/
COPY libs/money/pyproject.toml /app/libs/money/
RUN --mount=type=cache,target=/root/.cache/uv ["uv", "sync", "--frozen", "--no-dev", "--no-install-workspace", "--package", "web"]
COPY apps/web /app/apps/web/
COPY libs/money /app/libs/money/
RUN --mount=type=cache,target=/root/.cache/uv ["uv", "sync", "--frozen", "--no-dev", "--package", "web"]

FROM python:3.12-slim AS run
WORKDIR /app/apps/web
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONUNBUFFERED="1"
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec uvicorn main:app --host 0.0.0.0 --port $PORT"]
