//! One page, without dependencies.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

fn page() -> &'static str {
    "Hello from Rust\n"
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    // The head ends with an empty line.
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let page = page();
    write!(stream, "HTTP/1.0 200 OK\r\ncontent-length: {}\r\n\r\n{page}", page.len())
}

fn main() -> std::io::Result<()> {
    let port = env::var("PORT").unwrap_or_else(|_| "8080".into());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}"))?;
    println!("listening on {port}");
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || answer(stream));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_says_hello() {
        assert_eq!(super::page(), "Hello from Rust\n");
    }
}
