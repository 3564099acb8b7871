//! Disk images in files.

use visa_devices::BlockBackend;
use visa_devices::DiskAccess;
use visa_machine::board::{DiskCache, DiskError, DiskImage, FileBackend, OverlayBackend};

#[test]
fn a_file_backs_a_disk() {
    let path = std::env::temp_dir().join(format!("visa-disk-test-{}", std::process::id()));
    std::fs::write(&path, [vec![1; 512], vec![2; 512]].concat()).unwrap();
    let mut disk = FileBackend::open(&path, DiskAccess::ReadWrite).unwrap();
    assert_eq!((disk.sectors(), disk.read_only()), (2, false));
    let mut sector = [0; 512];
    disk.read(1, &mut sector).unwrap();
    assert_eq!(sector, [2; 512]);
    disk.write(0, &[3; 512]).unwrap();
    disk.flush().unwrap();
    assert_eq!(std::fs::read(&path).unwrap()[..512], [3; 512]);
    let beyond = disk.read(2, &mut sector).unwrap_err().to_string();
    assert!(beyond.starts_with("read of 512 bytes at sector 2 failed"), "{beyond}");
    drop(disk);
    let mut frozen = FileBackend::open(&path, DiskAccess::ReadOnly).unwrap();
    assert!(frozen.read_only());
    assert!(frozen.write(0, &[4; 512]).is_err(), "the host holds it too");

    drop(frozen);
    std::fs::write(&path, [0; 513]).unwrap();
    assert!(matches!(
        FileBackend::open(&path, DiskAccess::ReadOnly),
        Err(DiskError::Size { bytes: 513, .. })
    ));
    std::fs::remove_file(&path).unwrap();
    let missing = FileBackend::open(&path, DiskAccess::ReadOnly).unwrap_err();
    assert!(matches!(missing, DiskError::Open { .. }));
    assert!(missing.to_string().contains("visa-disk-test"));
}

#[test]
fn a_view_keeps_its_writes_to_itself_until_they_are_wanted() {
    let path = std::env::temp_dir().join(format!("visa-view-test-{}", std::process::id()));
    let sectors = |values: [u8; 3]| values.map(|value| [value; 512]).concat();
    std::fs::write(&path, sectors([1, 2, 3])).unwrap();
    let image = DiskImage::open(&path, DiskAccess::ReadWrite).unwrap();
    let view = || OverlayBackend::new(FileBackend::new(image.clone(), DiskCache::Writeback));
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

#[test]
fn an_image_has_one_writer_or_several_readers() {
    let path = std::env::temp_dir().join(format!("visa-lock-test-{}", std::process::id()));
    std::fs::write(&path, [0; 512]).unwrap();
    let refused = |access| match DiskImage::open(&path, access) {
        Err(error @ DiskError::InUse { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let writer = DiskImage::open(&path, DiskAccess::ReadWrite).unwrap();
    assert!(refused(DiskAccess::ReadWrite).contains("another machine has it open, or it is given twice"));
    assert!(refused(DiskAccess::ReadOnly).contains("open to write"));
    drop(writer);
    let readers = [
        DiskImage::open(&path, DiskAccess::ReadOnly).unwrap(),
        DiskImage::open(&path, DiskAccess::ReadOnly).unwrap(),
    ];
    assert!(refused(DiskAccess::ReadWrite).contains("visa-lock-test"));
    drop(readers);
    DiskImage::open(&path, DiskAccess::ReadWrite).unwrap();
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_view_of_scattered_writes_keeps_no_sector_in_memory() {
    // Writes of every length and place against a model; runs that touch, and runs longer than one copy.
    const SECTORS: usize = 1024;
    let path = std::env::temp_dir().join(format!("visa-scatter-test-{}", std::process::id()));
    let mut model = vec![0u8; SECTORS * 512];
    std::fs::write(&path, &model).unwrap();
    let (mut view, changes) = OverlayBackend::new(FileBackend::open(&path, DiskAccess::ReadWrite).unwrap());
    let mut state = 1u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % limit
    };
    for round in 0..300u32 {
        let start = below(SECTORS);
        let count = 1 + below((SECTORS - start).min(if round % 10 == 0 { 400 } else { 9 }));
        let bytes: Vec<u8> = (0..count * 512).map(|index| (index as u32 / 7 + round) as u8).collect();
        view.write(start as u64, &bytes).unwrap();
        model[start * 512..][..bytes.len()].copy_from_slice(&bytes);
        let start = below(SECTORS);
        let mut read = vec![0; (1 + below(SECTORS - start)) * 512];
        view.read(start as u64, &mut read).unwrap();
        assert!(read == model[start * 512..][..read.len()], "round {round}");
    }
    assert!(std::fs::read(&path).unwrap().iter().all(|byte| *byte == 0));
    changes.commit().unwrap();
    assert!(std::fs::read(&path).unwrap() == model);
    std::fs::remove_file(&path).unwrap();
}
