# python app, found by `python`
# python 3.12: .python-version:1
# manager pip: requirements.txt
# start sh -c exec gunicorn app:app --bind 0.0.0.0:$PORT: app.py:2 app

FROM python:3.12-slim AS build
WORKDIR /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONDONTWRITEBYTECODE="1"
RUN ["python", "-m", "venv", "/venv"]
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip ["/venv/bin/pip", "install", "-r", "requirements.txt"]
COPY . .

# Dependencies of tests are not in the image
FROM build AS test
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/pip ["/venv/bin/pip", "install", "-r", "requirements-dev.txt"]

FROM python:3.12-slim AS run
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH="/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    PYTHONUNBUFFERED="1"
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec gunicorn app:app --bind 0.0.0.0:$PORT"]
