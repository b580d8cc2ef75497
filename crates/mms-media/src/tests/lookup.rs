use mms_core::hresult::Hresult;

use super::{TempFolder, made, names};
use crate::catalogue::Catalogue;

fn library(files: &[&str]) -> (TempFolder, Catalogue) {
    let folder = TempFolder::new();
    for file in files {
        folder.write(file, &made("one-packet.wma"));
    }
    let (catalogue, problems) = folder.scan();
    assert!(problems.is_empty(), "{problems:?}");
    (folder, catalogue)
}

fn found<'a>(catalogue: &'a Catalogue, request: &str) -> Result<&'a str, Hresult> {
    catalogue.find(request).map(|entry| entry.name.as_str())
}

#[test]
fn a_name_is_found_as_the_clients_write_it() {
    let (_folder, catalogue) = library(&["sub/a b.wma", "plain.wma", "\u{e9}t\u{e9}.wma"]);
    for request in
        ["plain.wma", "/plain.wma", "//plain.wma", "\\plain.wma", "plain.wma?WMCache=0", "%70lain.wma"]
    {
        assert_eq!(found(&catalogue, request), Ok("plain.wma"), "{request}");
    }
    for request in [
        "sub/a b.wma",
        "sub\\a b.wma",
        "sub/a%20b.wma?x=%2F..",
        "mms://h:1755/sub/a%20b.wma",
        "mmst://h//sub/a b.wma",
    ] {
        assert_eq!(found(&catalogue, request), Ok("sub/a b.wma"), "{request}");
    }
    assert_eq!(found(&catalogue, "%C3%A9t%c3%a9.wma"), Ok("\u{e9}t\u{e9}.wma"));
}

#[test]
fn the_literal_name_wins_over_the_decoded_one() {
    let (_folder, catalogue) = library(&["a%20b.wma", "a b.wma", "q?1.wma", "q"]);
    assert_eq!(found(&catalogue, "a%20b.wma"), Ok("a%20b.wma"));
    assert_eq!(found(&catalogue, "a%2520b.wma"), Ok("a%20b.wma"));
    assert_eq!(found(&catalogue, "a b.wma"), Ok("a b.wma"));
    assert_eq!(found(&catalogue, "q?1.wma"), Ok("q?1.wma"));
    assert_eq!(found(&catalogue, "q?2.wma"), Ok("q"));
}

#[test]
fn letter_case_is_forgiven_if_only_one_name_fits() {
    let (_folder, catalogue) = library(&["Film.WMA", "Twice.wma", "twice.wma"]);
    assert_eq!(found(&catalogue, "film.wma"), Ok("Film.WMA"));
    assert_eq!(found(&catalogue, "FILM%2Ewma?x"), Ok("Film.WMA"));
    assert_eq!(found(&catalogue, "Twice.wma"), Ok("Twice.wma"));
    assert_eq!(found(&catalogue, "twice.wma"), Ok("twice.wma"));
    assert_eq!(found(&catalogue, "TWICE.wma"), Err(Hresult::NS_E_FILE_NOT_FOUND));
}

#[test]
fn a_request_that_would_leave_the_folder_is_an_invalid_name() {
    let outer = TempFolder::new();
    outer.write("secret.wma", &made("one-packet.wma"));
    outer.write("public/sub/a.wma", &made("one-packet.wma"));
    let (catalogue, _) = Catalogue::scan(&[outer.path("public")]).unwrap();
    assert_eq!(names(&catalogue), ["sub/a.wma"]);
    let absolute = outer.path("secret.wma").to_str().unwrap().to_owned();
    for request in [
        "../secret.wma",
        "/../secret.wma",
        "sub/../../secret.wma",
        "sub/../sub/a.wma",
        "./sub/a.wma",
        "..\\secret.wma",
        "%2e%2e/secret.wma",
        "%2E%2e%2Fsecret.wma",
        "..%5csecret.wma",
        "sub%2Fa.wma",
        "sub%5ca.wma",
        "sub/a.wma%00.asf",
        "sub/a.wma\0",
        "C:/sub/a.wma",
        "c%3a\\sub\\a.wma",
        "mms://h/../secret.wma",
        "mms://h/%2e%2e/secret.wma",
    ] {
        assert_eq!(found(&catalogue, request), Err(Hresult::NS_E_INVALID_NAME), "{request}");
    }
    for request in [
        absolute.as_str(),
        "secret.wma",
        "",
        "/",
        "sub",
        "sub/",
        "%252e%252e/secret.wma",
        "\\\\h\\s\\a.wma",
        "file:///a",
        "\u{fffd}",
    ] {
        assert_eq!(found(&catalogue, request), Err(Hresult::NS_E_FILE_NOT_FOUND), "{request}");
    }
}
