# java app, found by `java`
# java 17: pom.xml:10 java.version
# maven 3: default
# start sh -c exec java -Dserver.port=$PORT -jar target/shop-1.0.jar: Procfile:1 web

FROM maven:3-eclipse-temurin-17 AS build
WORKDIR /app
COPY pom.xml ./
RUN --mount=type=cache,target=/root/.m2 ["mvn", "-B", "-ntp", "dependency:go-offline"]
COPY . .
RUN --mount=type=cache,target=/root/.m2 ["mvn", "-B", "-ntp", "-DskipTests", "package"]

FROM eclipse-temurin:17-jre AS run
WORKDIR /app
COPY --from=build /app/target/ /app/target/
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "exec java -Dserver.port=$PORT -jar target/shop-1.0.jar"]
