# shell app, found by `others`
# start bash start.sh: start.sh:1: a script of bash

FROM debian:bookworm-slim AS run
WORKDIR /app
COPY . ./
USER 10001
EXPOSE 8080
CMD ["bash", "start.sh"]
