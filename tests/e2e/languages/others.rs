//! Languages of the second rank whose tools Debian has: C++ by CMake, and a script.

use windlass_tests::{SMALL, TestEnv};

const CMAKE: &str = "cmake_minimum_required(VERSION 3.20)\nproject(web CXX)\nadd_executable(${PROJECT_NAME} main.cpp)\n";

const MAIN: &str = r#"#include <arpa/inet.h>
#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

int main() {
  const char *port = std::getenv("PORT");
  int server = socket(AF_INET, SOCK_STREAM, 0);
  int yes = 1;
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  address.sin_port = htons(port ? std::atoi(port) : 8080);
  if (bind(server, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) return 1;
  listen(server, 16);
  const std::string answer = "HTTP/1.0 200 OK\r\ncontent-length: 10\r\n\r\nfrom C++ 1";
  for (;;) {
    int client = accept(server, nullptr, nullptr);
    if (client < 0) continue;
    char head[4096];
    if (read(client, head, sizeof head) > 0) {
      if (write(client, answer.data(), answer.size()) < 0) std::abort();
    }
    close(client);
  }
}
"#;

/// A server in Perl, which Debian's smallest image has.
const SCRIPT: &str = r#"#!/bin/sh
exec perl -MIO::Socket::INET -e '
  my $server = IO::Socket::INET->new(LocalPort => $ENV{PORT} || 8080, Listen => 16, ReuseAddr => 1) or die $!;
  while (1) {
    my $client = $server->accept or next;
    while (my $line = <$client>) { last if $line =~ /^\r?\n$/ }
    print $client "HTTP/1.0 200 OK\r\n\r\nfrom a script";
    close $client;
  }'
"#;

#[test]
fn a_cmake_project_is_built_and_its_program_serves() {
    let env = TestEnv::new("t-cmake");
    let repository = env.repository();
    repository.write("CMakeLists.txt", CMAKE).unwrap();
    repository.write("main.cpp", MAIN).unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("CMakeLists.txt:3 add_executable"), "{}", ended.text);
    env.serves("app", "from C++ 1");
}

#[test]
fn a_script_alone_is_an_app() {
    let env = TestEnv::new("t-script");
    let repository = env.repository();
    repository.write("start.sh", SCRIPT).unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "from a script");
}
