//! The examples work.
#![allow(missing_docs, reason = "tests")]

#[test]
fn a_folder_is_served_and_a_file_of_it_fetched() {
    mms_testkit::suite::examples::serve_and_fetch("tokio_serve", "tokio_fetch");
}
