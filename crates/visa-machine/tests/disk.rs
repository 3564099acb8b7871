//! Disk images in files.

use visa_devices::BlockBackend;
use visa_machine::board::{DiskError, FileBackend, OverlayBackend};

#[test]
fn a_file_backs_a_disk() {
    let path = std::env::temp_dir().join(format!("visa-disk-test-{}", std::process::id()));
    std::fs::write(&path, [vec![1; 512], vec![2; 512]].concat()).unwrap();
    let mut disk = FileBackend::open(&path, false).unwrap();
    assert_eq!((disk.sectors(), disk.read_only()), (2, false));
    let mut sector = [0; 512];
    disk.read(1, &mut sector).unwrap();
    assert_eq!(sector, [2; 512]);
    disk.write(0, &[3; 512]).unwrap();
    disk.flush().unwrap();
    assert_eq!(std::fs::read(&path).unwrap()[..512], [3; 512]);
    let beyond = disk.read(2, &mut sector).unwrap_err().to_string();
    assert!(beyond.starts_with("read of 512 bytes at sector 2 failed"), "{beyond}");
    let mut frozen = FileBackend::open(&path, true).unwrap();
    assert!(frozen.read_only());
    assert!(frozen.write(0, &[4; 512]).is_err(), "the host holds it too");

    std::fs::write(&path, [0; 513]).unwrap();
    assert!(matches!(FileBackend::open(&path, true), Err(DiskError::Size { bytes: 513, .. })));
    std::fs::remove_file(&path).unwrap();
    let missing = FileBackend::open(&path, true).unwrap_err();
    assert!(matches!(missing, DiskError::Open { .. }));
    assert!(missing.to_string().contains("visa-disk-test"));
}

#[test]
fn a_view_keeps_its_writes_to_itself_until_they_are_wanted() {
    let path = std::env::temp_dir().join(format!("visa-view-test-{}", std::process::id()));
    let sectors = |values: [u8; 3]| values.map(|value| [value; 512]).concat();
    std::fs::write(&path, sectors([1, 2, 3])).unwrap();
    let view = || OverlayBackend::new(FileBackend::open(&path, false).unwrap());
    let ((mut first, changes), (mut second, _)) = (view(), view());
    assert_eq!((first.sectors(), first.read_only()), (3, false));
    first.write(1, &[[7; 512], [8; 512]].concat()).unwrap();
    first.flush().unwrap();
    second.write(0, &[9; 512]).unwrap();
    let read = |disk: &mut OverlayBackend| {
        let mut bytes = vec![0; 3 * 512];
        disk.read(0, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(read(&mut first), sectors([1, 7, 8]));
    assert_eq!(read(&mut second), sectors([9, 2, 3]));
    assert_eq!(std::fs::read(&path).unwrap(), sectors([1, 2, 3]));
    changes.commit().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), sectors([1, 7, 8]));
    assert!(first.read(3, &mut [0; 512]).is_err());
    std::fs::remove_file(&path).unwrap();
}
