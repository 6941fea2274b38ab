# python app, found by `python`
# python 3.12: .python-version:1
# manager poetry: poetry.lock
# start python main.py: main.py: starts itself, with http

FROM python:3.12-slim AS build
WORKDIR /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONDONTWRITEBYTECODE="1" \
    POETRY_VIRTUALENVS_CREATE="false" \
    VIRTUAL_ENV="/venv"
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install", "poetry<2"]
RUN ["python", "-m", "venv", "/venv"]
COPY pyproject.toml poetry.lock ./
RUN --mount=type=cache,target=/root/.cache/pypoetry ["poetry", "install", "--only", "main", "--no-root", "--no-interaction"]
COPY . .
RUN --mount=type=cache,target=/root/.cache/pypoetry ["poetry", "install", "--only", "main", "--no-interaction"]

# Dependencies of tests are not in the image
FROM build AS test
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/pypoetry ["poetry", "install", "--no-interaction"]

FROM python:3.12-slim AS run
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONUNBUFFERED="1"
USER 10001
EXPOSE 8080
CMD ["python", "main.py"]
