# java app, found by `java`
# java 21: default
# gradle 8: default

FROM gradle:8-jdk21 AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.gradle ["gradle", "--no-daemon", "installDist", "-x", "test"]

FROM eclipse-temurin:21-jre AS run
WORKDIR /app
COPY --from=build /app/build/install/shop/ ./
ENV JAVA_OPTS="-XX:MaxRAMPercentage=75"
USER 10001
EXPOSE 8080
CMD ["/app/bin/shop"]
