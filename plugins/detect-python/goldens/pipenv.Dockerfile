# python app, found by `python`
# python 3.12: Pipfile:6 requires.python_version
# manager pipenv: Pipfile.lock
# start python main.py: main.py: starts itself, with http

FROM python:3.12-slim AS build
WORKDIR /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONDONTWRITEBYTECODE="1" \
    PIPENV_VERBOSITY="-1" \
    VIRTUAL_ENV="/venv"
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install", "pipenv"]
RUN ["python", "-m", "venv", "/venv"]
COPY Pipfile Pipfile.lock ./
RUN --mount=type=cache,target=/root/.cache/pipenv ["pipenv", "install", "--deploy"]
COPY . .

# Dependencies of tests are not in the image
FROM build AS test
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/pipenv ["pipenv", "sync", "--dev"]

FROM python:3.12-slim AS run
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONUNBUFFERED="1"
USER 10001
EXPOSE 8080
CMD ["python", "main.py"]
