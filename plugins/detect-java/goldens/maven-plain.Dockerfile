# java app, found by `java`
# java 8: pom.xml:3 maven.compiler.source
# maven 3: default

FROM maven:3-eclipse-temurin-8 AS build
WORKDIR /app
COPY pom.xml ./
RUN --mount=type=cache,target=/root/.m2 ["mvn", "-B", "-ntp", "dependency:go-offline"]
COPY . .
RUN --mount=type=cache,target=/root/.m2 ["mvn", "-B", "-ntp", "-DskipTests", "package", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=target/lib"]
# its name holds the version; of several the largest holds all
RUN ["sh", "-c", "cp $(ls -S target/*.jar | grep -v -e original- -e -plain.jar -e -sources.jar -e -javadoc.jar -e -tests.jar | head -1) /app/app.jar"]

FROM eclipse-temurin:8-jre AS run
WORKDIR /app
COPY --from=build /app/app.jar /app/app.jar
COPY --from=build /app/target/lib/ lib/
USER 10001
EXPOSE 8080
CMD ["java", "-XX:MaxRAMPercentage=75", "-cp", "app.jar:lib/*", "com.shop.Main"]
