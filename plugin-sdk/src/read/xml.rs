//! XML, for pom.xml and project files of .NET.

use super::refused;
use crate::{file::File, refusal::Refusal};
use roxmltree::{Document, ParsingOptions};

/// Elements, texts and comments that are read.
const MOST_NODES: u32 = 200_000;

/// Reads a document, and a value of it. Entities of a DTD are expanded within the parser's own limits.
///
/// # Errors
/// Names line and column of what is no XML.
pub fn xml<T>(file: &File, read: impl FnOnce(&Document<'_>) -> T) -> Result<T, Refusal> {
    let options =
        ParsingOptions { allow_dtd: true, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    match Document::parse_with_options(&file.text, options) {
        Ok(document) => Ok(read(&document)),
        Err(error) => {
            let at = error.pos();
            Err(refused(file, at.row as usize, at.col as usize, &error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_and_an_error_placed() {
        let file = |text: &str| File { path: "pom.xml".into(), text: text.into() };
        let name = |text: &str| {
            xml(&file(text), |document| document.root_element().tag_name().name().to_owned())
        };
        assert_eq!(name("<project/>").unwrap(), "project");
        assert!(name("<project>\n<a></b>").unwrap_err().reason.starts_with("`pom.xml:2:"));
        let bomb = "<!DOCTYPE a [<!ENTITY b \"x\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">\
            <!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;\">]><a>&e;</a>";
        // Read or refused: it ends.
        let _ = name(bomb);
    }
}
