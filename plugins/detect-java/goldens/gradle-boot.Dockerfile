# java app, found by `java`
# java 17: build.gradle:6 JavaLanguageVersion.of
# gradle-wrapper 8.10.2: gradle/wrapper/gradle-wrapper.properties:1

FROM eclipse-temurin:17-jdk AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.gradle ["sh", "./gradlew", "--no-daemon", "bootJar", "-x", "test"]
# its name holds the version; of several the largest holds all
RUN ["sh", "-c", "cp $(ls -S build/libs/*.jar | grep -v -e original- -e -plain.jar -e -sources.jar -e -javadoc.jar -e -tests.jar | head -1) /app/app.jar"]
# dependencies change more seldom than the app: a layer of their own
RUN ["java", "-Djarmode=tools", "-jar", "/app/app.jar", "extract", "--layers", "--launcher", "--destination", "/layers"]

FROM eclipse-temurin:17-jre AS run
WORKDIR /app
COPY --from=build /layers/dependencies/ ./
COPY --from=build /layers/spring-boot-loader/ ./
COPY --from=build /layers/snapshot-dependencies/ ./
COPY --from=build /layers/application/ ./
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec java -XX:MaxRAMPercentage=75 -Dserver.port=$PORT org.springframework.boot.loader.launch.JarLauncher"]
