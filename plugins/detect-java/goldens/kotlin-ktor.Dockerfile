# kotlin app, found by `java`
# java 21: build.gradle.kts:6 jvmToolchain
# gradle 8: default

FROM gradle:8-jdk21 AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.gradle ["gradle", "--no-daemon", "buildFatJar", "-x", "test"]
# its name holds the version; of several the largest holds all
RUN ["sh", "-c", "cp $(ls -S build/libs/*-all.jar | grep -v -e original- -e -plain.jar -e -sources.jar -e -javadoc.jar -e -tests.jar | head -1) /app/app.jar"]

FROM eclipse-temurin:21-jre AS run
WORKDIR /app
COPY --from=build /app/app.jar /app/app.jar
USER 10001
EXPOSE 8080
CMD ["java", "-XX:MaxRAMPercentage=75", "-jar", "app.jar"]
