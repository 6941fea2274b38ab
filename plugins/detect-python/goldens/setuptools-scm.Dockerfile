# python app, found by `python`
# python 3.11: pyproject.toml:4 project.requires-python
# manager pip: pyproject.toml
# start python main.py: main.py: starts itself, with http

FROM python:3.11-slim AS build
WORKDIR /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONDONTWRITEBYTECODE="1" \
    SETUPTOOLS_SCM_PRETEND_VERSION_FOR_SHOP="\${WINDLASS_VERSION}"
RUN ["python", "-m", "venv", "/venv"]
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip ["/venv/bin/pip", "install", "."]

FROM python:3.11-slim AS run
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONUNBUFFERED="1"
USER 10001
EXPOSE 8080
CMD ["python", "main.py"]
