# python app, found by `python`
# python 3.12: pyproject.toml:3 project.requires-python
# manager pdm: pdm.lock
# start python main.py: main.py: starts itself, with http

FROM python:3.12-slim AS build
WORKDIR /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONDONTWRITEBYTECODE="1" \
    PDM_CHECK_UPDATE="false" \
    VIRTUAL_ENV="/venv"
# PDM has no upper bound for hishel, whose 2 lacks what it imports
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install", "pdm", "hishel<2"]
RUN ["python", "-m", "venv", "/venv"]
COPY pyproject.toml pdm.lock ./
RUN ["pdm", "use", "-f", "/venv/bin/python"]
RUN --mount=type=cache,target=/root/.cache/pdm ["pdm", "sync", "--prod", "--no-self"]
COPY . .

FROM python:3.12-slim AS run
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONUNBUFFERED="1"
USER 10001
EXPOSE 8080
CMD ["python", "main.py"]
