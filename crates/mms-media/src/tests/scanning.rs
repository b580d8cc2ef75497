use std::fs;

use super::{TempFolder, made, names, testdata};
use crate::catalogue::Catalogue;
use crate::probe::Unservable;
use crate::scan::{Reason, ScanError, ScanLimits};

#[test]
fn a_file_is_published_under_its_name_and_a_folder_under_what_is_below_it() {
    let folder = TempFolder::new();
    let single = folder.write("elsewhere/single.wma", &made("one-packet.wma"));
    folder.write("library/deep/er/b.wma", &made("one-packet.wma"));
    folder.write("library/a.asf", &made("one-packet.wma"));
    folder.write("library/list.asx", b"<asx version=\"3.0\"/>");
    folder.write("library/empty", b"");
    let (catalogue, problems) = Catalogue::scan(&[single, folder.path("library")]).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(names(&catalogue), ["a.asf", "deep/er/b.wma", "single.wma"]);
    assert_eq!(catalogue.ignored(), 2);
}

#[test]
fn a_file_that_is_asf_by_its_name_only_is_told() {
    let folder = TempFolder::new();
    let empty = folder.write("empty.WMV", b"");
    let other = folder.write("other.wma", b"RIFF, and no header of the format behind it");
    folder.write("notes.txt", b"text");
    let (catalogue, problems) = folder.scan();
    assert_eq!((catalogue.entries().len(), catalogue.ignored()), (0, 1));
    let told: Vec<_> = problems.iter().map(|problem| problem.path.clone()).collect();
    assert_eq!(told, [empty, other]);
    assert!(problems.iter().all(|one| matches!(one.reason, Reason::Unservable(Unservable::NotAsf))));
}

#[test]
fn of_two_files_with_one_name_the_first_argument_is_served_and_the_other_is_told() {
    let folder = TempFolder::new();
    let first = folder.write("z/a.wma", &made("audio-wmav1.wma"));
    let second = folder.write("b/a.wma", &made("one-packet.wma"));
    let (catalogue, problems) = Catalogue::scan(&[first.clone(), second.clone()]).unwrap();
    assert_eq!(catalogue.entries()[0].path, first);
    assert_eq!(catalogue.entries().len(), 1);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, second);
    assert!(matches!(&problems[0].reason, Reason::Duplicate { name, .. } if name == "a.wma"));
}

#[test]
fn what_cannot_be_served_is_told_in_plain_words() {
    let folder = TempFolder::new();
    let whole = made("audio-wmav1.wma");
    let mut sizes = whole.clone();
    let properties = whole.windows(16).position(|id| id == mms_core::asf::Guid::FILE_PROPERTIES.0).unwrap();
    sizes[properties + 92] ^= 1;
    let mut large = whole.clone();
    large[16..24].copy_from_slice(&(1_u64 << 21).to_le_bytes());
    let cases: [(&str, &[u8], &str); 5] = [
        ("cut.wma", &whole[..200], "the file ends inside its header"),
        ("header.wma", &whole[..354 + 1023], "it holds no whole packet"),
        ("large.wma", &large, "its header is too large: 2097202 header bytes, 1048576 allowed"),
        ("sizes.wma", &sizes, "its packets are not all of one size between 1 and 65527 bytes"),
        ("text.wma", b"no film", "it is not an ASF file (.wmv, .wma, .asf)"),
    ];
    let paths: Vec<_> = cases.iter().map(|(name, bytes, _)| folder.write(name, bytes)).collect();
    let (catalogue, problems) = Catalogue::scan(&paths).unwrap();
    assert!(catalogue.entries().is_empty());
    for ((name, _, text), problem) in cases.iter().zip(&problems) {
        assert_eq!(problem.to_string(), format!("{:?} is not served: {text}", folder.path(name)));
    }
    assert_eq!(problems.len(), cases.len());
}

#[test]
fn a_path_that_does_not_exist_ends_the_scan() {
    let folder = TempFolder::new();
    let missing = folder.path("missing");
    assert!(
        matches!(Catalogue::scan(core::slice::from_ref(&missing)), Err(ScanError::Path { path, .. }) if path == missing)
    );
    assert!(matches!(Catalogue::scan(&[]), Err(ScanError::NoPaths)));
}

#[test]
fn limits_bound_what_is_looked_at() {
    let folder = TempFolder::new();
    for name in ["a.wma", "b.wma", "c.wma", "x/y/z.wma"] {
        folder.write(name, &made("one-packet.wma"));
    }
    let scan = |limits| Catalogue::scan_within(&[folder.path("")], limits).unwrap();
    let (catalogue, problems) = scan(ScanLimits { files: 2, ..ScanLimits::default() });
    assert_eq!(names(&catalogue), ["a.wma", "b.wma"]);
    assert!(matches!(problems[..], [ref one] if matches!(one.reason, Reason::TooMany { allowed: 2 })));
    let (catalogue, problems) = scan(ScanLimits { depth: 1, ..ScanLimits::default() });
    assert_eq!(names(&catalogue), ["a.wma", "b.wma", "c.wma"]);
    assert!(matches!(problems[..], [ref one] if matches!(one.reason, Reason::TooDeep { allowed: 1 })));
    let (catalogue, problems) = scan(ScanLimits { looked_at: 2, ..ScanLimits::default() });
    assert!(catalogue.entries().len() < 3);
    assert!(matches!(problems[..], [ref one] if matches!(one.reason, Reason::TooMany { allowed: 2 })));
}

#[test]
fn every_file_of_the_test_data_is_served_or_told() {
    for folder in ["made", "real", "hostile"] {
        let (catalogue, problems) = Catalogue::scan(&[testdata(folder)]).unwrap();
        let files = fs::read_dir(testdata(folder)).unwrap().count();
        assert_eq!(catalogue.entries().len() + problems.len() + catalogue.ignored(), files, "{folder}");
        if folder == "made" {
            assert!(problems.is_empty(), "{problems:?}");
        }
        for entry in catalogue.entries() {
            assert!(entry.media.packet_count > 0 && entry.media.bit_rate > 0, "{entry:?}");
            assert!(
                entry.media.duration.is_some_and(|d| d.as_millis() > 0 && d.as_secs() < 1000),
                "{entry:?}"
            );
        }
    }
}

#[cfg(unix)]
mod links {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_that_leave_the_folder_are_told_and_others_are_followed() {
        let folder = TempFolder::new();
        folder.write("outside/secret.wma", &made("one-packet.wma"));
        folder.write("in/sub/a.wma", &made("one-packet.wma"));
        symlink("../outside/secret.wma", folder.path("in/file.wma")).unwrap();
        symlink(folder.path("outside"), folder.path("in/folder")).unwrap();
        symlink("sub/a.wma", folder.path("in/inside.wma")).unwrap();
        symlink("nothing", folder.path("in/nowhere.wma")).unwrap();
        symlink("..", folder.path("in/sub/loop")).unwrap();
        symlink("self", folder.path("in/self")).unwrap();
        let (catalogue, problems) = Catalogue::scan(&[folder.path("in")]).unwrap();
        assert_eq!(names(&catalogue), ["inside.wma", "sub/a.wma"]);
        let reason =
            |name: &str| &problems.iter().find(|problem| problem.path == folder.path(name)).unwrap().reason;
        assert!(matches!(reason("in/file.wma"), Reason::LinkLeaves));
        assert!(matches!(reason("in/folder"), Reason::LinkLeaves));
        assert!(matches!(reason("in/nowhere.wma"), Reason::LinkBroken(_)));
        assert!(matches!(reason("in/sub/loop"), Reason::LinkLoop));
        assert!(matches!(reason("in/self"), Reason::LinkBroken(_)));
        assert_eq!(problems.len(), 5);
    }

    #[test]
    fn two_folders_that_link_to_each_other_end() {
        let folder = TempFolder::new();
        folder.write("a/x.wma", &made("one-packet.wma"));
        folder.write("b/y.wma", &made("one-packet.wma"));
        symlink("../b", folder.path("a/b")).unwrap();
        symlink("../a", folder.path("b/a")).unwrap();
        let (catalogue, problems) = folder.scan();
        assert_eq!(names(&catalogue), ["a/b/y.wma", "a/x.wma", "b/a/x.wma", "b/y.wma"]);
        assert!(problems.iter().all(|problem| matches!(problem.reason, Reason::LinkLoop)), "{problems:?}");
    }

    #[test]
    fn a_link_out_of_the_folder_that_comes_after_the_scan_is_not_opened() {
        let folder = TempFolder::new();
        folder.write("outside/secret.wma", &made("one-packet.wma"));
        folder.write("in/sub/secret.wma", &made("one-packet.wma"));
        let (catalogue, _) = Catalogue::scan(&[folder.path("in")]).unwrap();
        let entry = catalogue.find("sub/secret.wma").unwrap();
        assert!(entry.open().is_ok());
        fs::remove_dir_all(folder.path("in/sub")).unwrap();
        symlink(folder.path("outside"), folder.path("in/sub")).unwrap();
        assert!(matches!(entry.open(), Err(Unservable::Outside)));
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_told_if_the_file_is_asf() {
        let folder = TempFolder::new();
        let bad = folder.path("").join(OsStr::from_bytes(b"\xff.wma"));
        if fs::write(&bad, made("one-packet.wma")).is_err() {
            eprintln!("skipped: the file system allows UTF-8 names only");
            return;
        }
        fs::write(folder.path("").join(OsStr::from_bytes(b"\xfe.txt")), "text").unwrap();
        let (catalogue, problems) = folder.scan();
        assert!(catalogue.entries().is_empty());
        assert_eq!(catalogue.ignored(), 1);
        assert!(
            matches!(&problems[..], [one] if one.path == bad && matches!(one.reason, Reason::NameNotUtf8))
        );
    }

    #[test]
    fn sockets_and_other_special_files_are_not_opened() {
        let folder = TempFolder::new();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path("s")).unwrap();
        let (catalogue, problems) = folder.scan();
        assert!(catalogue.entries().is_empty() && problems.is_empty());
        let _socket = std::os::unix::net::UnixListener::bind(folder.path("s.wma")).unwrap();
        for place in ["", "s.wma"] {
            let (_, problems) = Catalogue::scan(&[folder.path(place)]).unwrap();
            assert!(matches!(problems[0].reason, Reason::Unservable(Unservable::NotAFile)), "{place}");
        }
    }
}
