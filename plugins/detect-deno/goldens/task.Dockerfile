# deno app, found by `deno`
# deno 2: default
# manager deno: deno.jsonc
# start deno run --allow-net main.ts: deno.jsonc:4 tasks.start
# port 8000: default of Deno.serve

FROM denoland/deno:2.9.7 AS build
WORKDIR /app
ENV DENO_DIR="/deno-dir"
# imports stand in the sources themselves
COPY . /app/
RUN ["deno", "install", "--frozen", "--entrypoint", "main.ts"]
RUN ["mkdir", "-p", "/deno-dir"]

FROM denoland/deno:2.9.7 AS run
WORKDIR /app
ENV DENO_DIR="/deno-dir"
COPY --from=build /app/ /app/
COPY --from=build --chown=10001:10001 /deno-dir/ /deno-dir/
ENV DENO_NO_UPDATE_CHECK="1"
USER 10001
EXPOSE 8000
CMD ["deno", "run", "--allow-net", "main.ts"]
