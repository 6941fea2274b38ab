//! Spring Boot, built by Maven, tested by JUnit, and served from its layers.

use windlass_bed::images;
use windlass_tests::{TestEnv, bed};

const POM: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<project xmlns=\"http://maven.apache.org/POM/4.0.0\">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>3.4.1</version>
    <relativePath/>
  </parent>
  <groupId>com.example</groupId>
  <artifactId>shop</artifactId>
  <version>1.0.0</version>
  <properties>
    <java.version>17</java.version>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-web</artifactId>
    </dependency>
    <dependency>
      <groupId>org.junit.jupiter</groupId>
      <artifactId>junit-jupiter</artifactId>
      <scope>test</scope>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.springframework.boot</groupId>
        <artifactId>spring-boot-maven-plugin</artifactId>
      </plugin>
    </plugins>
  </build>
</project>
";

const APP: &str = "package com.example.shop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootApplication
@RestController
public class Shop {
  public static void main(String[] arguments) {
    SpringApplication.run(Shop.class, arguments);
  }

  static int cents(double euros) {
    return (int) Math.round(euros * 100);
  }

  @GetMapping(\"/\")
  String page() {
    return \"spring \" + cents(1.5);
  }
}
";

const TEST: &str = "package com.example.shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ShopTest {
  @Test
  void roundsToCents() {
    assertEquals(150, Shop.cents(1.5));
  }
}
";

/// Settings of the app: a JVM wants more memory than other small apps.
const SETTINGS: &str = "[resources]\ncpu = \"10m\"\nmemory = \"256Mi\"\nmemory-limit = \"512Mi\"\n";

#[test]
fn spring_boot_is_built_tested_and_served_from_its_layers() {
    let wanted = ["maven:3-eclipse-temurin-17", "eclipse-temurin:17-jdk", "eclipse-temurin:17-jre"];
    images::languages(bed(), &wanted).unwrap();
    let env = TestEnv::new("t-spring");
    let repository = env.repository();
    for (path, text) in [
        ("windlass.toml", SETTINGS),
        ("pom.xml", POM),
        ("src/main/java/com/example/shop/Shop.java", APP),
        ("src/test/java/com/example/shop/ShopTest.java", TEST),
    ] {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("java"), "{}", ended.text);
    let tested = env.events(&ended.id).iter().any(|event| event["tested"]["passed"] == 1);
    assert!(tested, "surefire's report is read: {}", ended.text);
    env.serves("app", "spring 150");
}
