use super::*;

/// The block that grpcio 1.85 sends: a name of its own, nothing in Huffman's code.
const GRPCIO: &str = "40053a70617468152f77696e646c6173732e76312e4a6f62732f476574\
    400a3a617574686f726974791a746d70253246646f63732d68656c706572253246772e736f636b8386\
    400c636f6e74656e742d74797065106170706c69636174696f6e2f67727063";
/// The same request with the path as it is and all in Huffman's code, as clients in Go write it.
const CODED: &str =
    "83864485606bdd62f741916134d6c48722169cb4565b18f0ba0e4ebf4082497f864d833505b11f";
/// Percent-encoded, in Huffman's code.
const CODED_PERCENT: &str =
    "83864485606bdd62f741934d35aa2c321c885a72d1596c54587c2e8393af4082497f864d833505b11f";

const CODED_LONG: &str =
    "83864485606bdd62f7419263b8ec62cb6a606a46c6cffeff1e5741c9d74082497f864d833505b11f";
const CODED_LONG_REWRITTEN: &str =
    "83864485606bdd62f741925bb8ec5acb6a586b46b6cffeff1e5741c9d74082497f864d833505b11f";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from((pair[0] << 4) | pair[1]).unwrap()).collect()
}

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

/// Returns the output for input in pieces of so many bytes.
fn through(input: &[u8], at_once: usize) -> Vec<u8> {
    let mut rewriter = Rewriter::default();
    let mut output = Vec::new();
    for part in input.chunks(at_once) {
        rewriter.push(part, &mut output);
    }
    output
}

fn rewritten(block: &[u8]) -> Vec<u8> {
    let mut block = block.to_vec();
    rewrite(&mut block, 0).unwrap();
    block
}

#[test]
fn a_path_becomes_a_name_of_the_same_length() {
    let block = bytes(GRPCIO);
    let found = rewritten(&block);
    assert_eq!(found.len(), block.len());
    assert!(found.windows(26).any(|window| window == b"tmp-2Fdocs-helper-2Fw.sock"));
    // Paths of methods and other values keep theirs.
    assert!(found.windows(21).any(|window| window == b"/windlass.v1.Jobs/Get"));
}

#[test]
fn in_huffmans_code_as_well() {
    // `-tmp-docs-helper-w.sock` and `tmp-2Fdocs-helper-2Fw.sock`, by another encoder.
    let plain = "83864485606bdd62f741915934d6b48722169cb4565b16f0ba0e4ebf4082497f864d833505b11f";
    assert_eq!(rewritten(&bytes(CODED)), bytes(plain));
    let percent =
        "83864485606bdd62f741934d35ac2c321c885a72d1596c58587c2e8393af4082497f864d833505b11f";
    assert_eq!(rewritten(&bytes(CODED_PERCENT)), bytes(percent));
    // `/var/run/a b/Q~!x.sock` up to `~`, which takes more than eight bits.
    let long = rewritten(&bytes(CODED_LONG));
    assert_eq!(long, bytes(CODED_LONG_REWRITTEN));
    // `localhost:50051` stays.
    let good = bytes("83864485606bdd62f7418ba0e41d139d09b8d800d87f4082497f864d833505b11f");
    assert_eq!(rewritten(&good), good);
}

#[test]
fn it_comes_out_the_same_however_it_comes_in() {
    let padded = [&[3, 0, 0, 0, 0, 16][..], &bytes(GRPCIO), &[0; 3]].concat();
    let input = [
        PREFACE.to_vec(),
        frame(4, 0, &[]),
        frame(HEADERS, 4, &bytes(GRPCIO)),
        frame(0, 1, b"/a%2Fb in a message"),
        frame(HEADERS, 4 | PADDED | PRIORITY, &padded),
        // By the table, and by the name's place in it.
        frame(HEADERS, 4, &[0xc4, 0x83, 0x01, 0x03, b'/', b'a', b'%']),
    ]
    .concat();
    let whole = through(&input, input.len());
    assert_eq!(whole.len(), input.len());
    assert_eq!(
        whole.windows(26).filter(|window| *window == b"tmp-2Fdocs-helper-2Fw.sock").count(),
        2
    );
    assert!(whole.windows(7).any(|window| window == b"/a%2Fb "));
    assert!(whole.ends_with(b"\x01\x03-a-"));
    for at_once in [1, 2, 3, 7, 24, 100] {
        assert_eq!(through(&input, at_once), whole, "{at_once} at once");
    }
}

#[test]
fn what_is_no_http_2_or_broken_passes_as_it_is() {
    for input in [b"GET /%2F HTTP/1.1\r\n\r\n".to_vec(), b"PRI * HTTP/1.0\r\n\r\n/%".to_vec()] {
        assert_eq!(through(&input, 5), input);
    }
    let mut state = 7_u64;
    for _ in 0..2_000 {
        let mut random = Vec::new();
        for _ in 0..64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            random.push(u8::try_from(state >> 56).unwrap());
        }
        let input = [PREFACE, &frame(HEADERS, random[0], &random)].concat();
        assert_eq!(through(&input, 11).len(), input.len());
    }
    // A string that is longer than its frame, and an integer without an end.
    for block in [&[0x41, 0x7f, 0x80, 0x7f, b'/'][..], &[0x41, 0xff, 0xff, 0xff, 0xff, 0xff, b'/']]
    {
        let input = [PREFACE, &frame(HEADERS, 4, block)].concat();
        assert_eq!(through(&input, 4), input);
    }
}
