# java app, found by `java`
# java 17: api/pom.xml:10 java.version
# maven 3: default

FROM maven:3-eclipse-temurin-17 AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.m2 ["mvn", "-B", "-ntp", "-DskipTests", "-pl", "api", "-am", "package"]
# its name holds the version; of several the largest holds all
RUN ["sh", "-c", "cp $(ls -S /app/api/target/*.jar | grep -v -e original- -e -plain.jar -e -sources.jar -e -javadoc.jar -e -tests.jar | head -1) /app/app.jar"]
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
