//! Ruby without gems, which needs no registry.

use windlass_bed::images;
use windlass_tests::{SMALL, TestEnv, bed};

const APP: &str = "require 'socket'\n\nserver = TCPServer.new('0.0.0.0', ENV.fetch('PORT', '8080').to_i)\n\
                   trap('TERM') { exit }\nloop do\n  client = server.accept\n  while (line = client.gets)\n    \
                   break if line == \"\\r\\n\"\n  end\n  \
                   client.print \"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\nruby\"\n  \
                   client.close\nend\n";

#[test]
fn a_script_of_ruby_is_served() {
    images::languages(bed(), &["ruby:3.1-slim"]).unwrap();
    let env = TestEnv::new("t-ruby");
    let repository = env.repository();
    for (path, text) in [("windlass.toml", SMALL), ("app.rb", APP), (".ruby-version", "3.1\n")] {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    env.serves("app", "ruby");
}
