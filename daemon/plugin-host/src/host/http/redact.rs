//! Fields of answers: found, or blanked. Pure functions of bytes that a stranger sends.

/// Largest XML that is parsed, in bytes: reading attributes takes time by their square.
const XML: usize = 64 << 10;

fn element<'a, 'b>(
    document: &'a roxmltree::Document<'b>,
    path: &str,
) -> Option<roxmltree::Node<'a, 'b>> {
    path.split('/').try_fold(document.root_element(), |node, name| {
        node.children().find(|child| child.tag_name().name() == name)
    })
}

/// Returns the text of a field: a pointer begins with `/`, a path into XML below its root does not.
pub(super) fn find(body: &[u8], at: &str) -> Option<String> {
    if at.starts_with('/') {
        let json: serde_json::Value = serde_json::from_slice(body).ok()?;
        return json.pointer(at)?.as_str().map(str::to_owned);
    }
    let body = Some(body).filter(|body| body.len() <= XML)?;
    let document = roxmltree::Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    element(&document, at)?.text().map(str::to_owned)
}

/// Text in place of an answer that has fields to blank and cannot be parsed.
const HIDDEN: &[u8] = b"(not shown: it is neither JSON nor XML of at most 64 KiB)";

/// Returns the body without the fields that the guest must not see, at any depth. A plugin chooses its
/// requests, so that an answer may have another shape than the grant expects.
pub(super) fn blanked(body: &[u8], opaque: &[String]) -> Vec<u8> {
    let names: Vec<&str> = opaque.iter().filter_map(|at| at.rsplit('/').next()).collect();
    if names.is_empty() {
        return body.to_vec();
    }
    if let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(body) {
        blank_json(&mut json, &names);
        return json.to_string().into_bytes();
    }
    let text = Some(body).filter(|body| body.len() <= XML);
    let text = text.and_then(|body| std::str::from_utf8(body).ok());
    let document =
        text.and_then(|text| roxmltree::Document::parse(text).ok().map(|xml| (text, xml)));
    let Some((text, document)) = document else { return HIDDEN.to_vec() };
    let is_named = |name: &str| names.contains(&name);
    let found = document.descendants().filter(|node| node.is_element());
    if found.clone().any(|node| node.attributes().any(|attribute| is_named(attribute.name()))) {
        return HIDDEN.to_vec();
    }
    let mut visible = String::new();
    let mut from = 0;
    for node in found.filter(|node| is_named(node.tag_name().name())) {
        let (Some(first), Some(last)) = (node.first_child(), node.last_child()) else { continue };
        let start = first.range().start;
        let end = last.range().end;
        // Inside of an element that is blanked already.
        if start < from {
            continue;
        }
        visible.push_str(text.get(from..start).unwrap_or_default());
        visible.push_str("***");
        from = end;
    }
    visible.push_str(text.get(from..).unwrap_or_default());
    visible.into_bytes()
}

fn blank_json(value: &mut serde_json::Value, names: &[&str]) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                if names.contains(&&**name) {
                    *field = "***".into();
                } else {
                    blank_json(field, names);
                }
            }
        }
        serde_json::Value::Array(items) => {
            items.iter_mut().for_each(|item| blank_json(item, names));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_blanked_in_json_and_xml() {
        let json = br#"{"a":[{"token":"s3cret","other":1}]}"#;
        assert_eq!(find(json, "/a/0/token").as_deref(), Some("s3cret"));
        assert_eq!(find(json, "/a/0/other"), None);
        let visible = String::from_utf8(blanked(json, &["/a/0/token".into()])).unwrap();
        assert_eq!(visible, r#"{"a":[{"other":1,"token":"***"}]}"#);
        let xml = b"<R xmlns=\"urn:x\"><C><Key>k&amp;ey</Key><Id>1</Id></C></R>";
        assert_eq!(find(xml, "C/Key").as_deref(), Some("k&ey"));
        let visible = String::from_utf8(blanked(xml, &["C/Key".into(), "C/None".into()])).unwrap();
        assert_eq!(visible, "<R xmlns=\"urn:x\"><C><Key>***</Key><Id>1</Id></C></R>");
        assert_eq!(blanked(b"no such thing", &["/a".into(), "C".into()]), HIDDEN);
        assert_eq!(blanked(b"no such thing", &[]), b"no such thing");
        // In another shape than the grant expects.
        let other = br#"{"r":{"Credentials":{"Key":"k","Id":1}},"l":[{"token":"t"}]}"#;
        let visible = String::from_utf8(blanked(other, &["R/C/Key".into(), "/a/0/token".into()]));
        assert_eq!(
            visible.unwrap(),
            r#"{"l":[{"token":"***"}],"r":{"Credentials":{"Id":1,"Key":"***"}}}"#
        );
        let odd = b"<R><Key><!--x-->k<b>e</b></Key><Key>again</Key></R>";
        let visible = String::from_utf8(blanked(odd, &["C/Key".into()])).unwrap();
        assert_eq!(visible, "<R><Key>***</Key><Key>***</Key></R>");
        assert_eq!(blanked(b"<R Key='k'/>", &["C/Key".into()]), HIDDEN);
    }
}
