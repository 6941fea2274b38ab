# clojure app, found by `others`
# start java -jar /app/app.jar: project.clj:3 :main
# java 21: default

FROM clojure:temurin-21-lein AS build
WORKDIR /app
COPY project.clj ./
RUN --mount=type=cache,target=/root/.m2 ["lein", "deps"]
COPY . ./
RUN --mount=type=cache,target=/root/.m2 ["lein", "uberjar"]
RUN ["sh", "-c", "cp \"$(find target -name '*standalone.jar' | head -n 1)\" /app.jar"]

FROM eclipse-temurin:21-jre AS run
WORKDIR /app
COPY --from=build /app.jar /app/app.jar
USER 10001
EXPOSE 8080
CMD ["java", "-jar", "/app/app.jar"]
