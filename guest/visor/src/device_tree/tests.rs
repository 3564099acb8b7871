use super::*;
use vm_fdt::FdtWriter;

/// A tree with the nodes that visor reads, as a test wants them.
struct Tree {
    mode: &'static str,
    harts: Vec<u32>,
    memory: Vec<u64>,
    finisher: bool,
    without: Vec<&'static str>,
    entry: Vec<u8>,
}

impl Tree {
    fn sound() -> Tree {
        Tree {
            mode: "accelerated",
            harts: vec![0],
            memory: vec![0x8000_0000, 0x1000_0000],
            finisher: true,
            without: vec![],
            entry: 0x8020_0000_u64.to_be_bytes().into(),
        }
    }

    fn flatten(&self) -> Vec<u8> {
        let mut writer = FdtWriter::new().unwrap();
        let root = writer.begin_node("").unwrap();
        writer.property_u32("#address-cells", 2).unwrap();
        writer.property_u32("#size-cells", 2).unwrap();
        let chosen = writer.begin_node("chosen").unwrap();
        writer.property_string("visa,mode", self.mode).unwrap();
        writer.property("visa,kernel-entry", &self.entry).unwrap();
        writer.property_u64("visa,guest-device-tree", 0x8f00_0000).unwrap();
        writer.end_node(chosen).unwrap();
        let memory = writer.begin_node("memory@80000000").unwrap();
        writer.property_array_u64("reg", &self.memory).unwrap();
        writer.end_node(memory).unwrap();
        let cpus = writer.begin_node("cpus").unwrap();
        writer.property_u32("#address-cells", 1).unwrap();
        writer.property_u32("#size-cells", 0).unwrap();
        if !self.without.is_empty() {
            let names = self.without.iter().map(|name| (*name).into()).collect();
            writer.property_string_list("visa,without", names).unwrap();
        }
        for hart in &self.harts {
            let cpu = writer.begin_node(&format!("cpu@{hart}")).unwrap();
            writer.property_u32("reg", *hart).unwrap();
            writer.end_node(cpu).unwrap();
        }
        writer.end_node(cpus).unwrap();
        let soc = writer.begin_node("soc").unwrap();
        writer.property_u32("#address-cells", 2).unwrap();
        writer.property_u32("#size-cells", 2).unwrap();
        writer.property_null("ranges").unwrap();
        let mut device = |name: &str, compatible: &[&str], reg: [u64; 2]| {
            let node = writer.begin_node(name).unwrap();
            writer.property_array_u64("reg", &reg).unwrap();
            let compatible = compatible.iter().map(|text| (*text).into()).collect();
            writer.property_string_list("compatible", compatible).unwrap();
            writer.end_node(node).unwrap();
        };
        if self.finisher {
            device("test@100000", &["sifive,test1", "syscon"], [0x10_0000, 0x1000]);
        }
        device("serial@10000000", &["ns16550a"], [0x1000_0000, 0x100]);
        device("virtio_mmio@10001000", &["virtio,mmio"], [0x1000_1000, 0x1000]);
        writer.end_node(soc).unwrap();
        writer.end_node(root).unwrap();
        writer.finish().unwrap()
    }
}

#[test]
fn a_machine_is_read() {
    assert_eq!(
        machine(&Tree::sound().flatten()),
        Ok(Machine {
            mode: Mode::Accelerated,
            kernel_entry: 0x8020_0000,
            guest_tree: 0x8f00_0000,
            harts: 1,
            uart: 0x1000_0000,
            finisher: 0x10_0000,
            plic: None,
            lacks: Lacks::default(),
        })
    );
}

#[test]
fn what_the_harts_lack_is_read() {
    let tree = Tree { without: vec!["tlb-tags", "decode-assist", "trap-filter"], ..Tree::sound() };
    let expected = Lacks { decode_assist: true, trap_filter: true, timer_without_exit: false };
    assert_eq!(machine(&tree.flatten()).unwrap().lacks, expected);
}

#[test]
fn an_address_may_have_one_cell() {
    let tree = Tree { entry: 0x8020_0000_u32.to_be_bytes().into(), ..Tree::sound() };
    assert_eq!(machine(&tree.flatten()).unwrap().kernel_entry, 0x8020_0000);
    let tree = Tree { entry: vec![1, 2, 3], ..Tree::sound() };
    assert_eq!(machine(&tree.flatten()), Err(Error::Property("visa,kernel-entry")));
}

#[test]
fn what_is_wrong_is_named() {
    let with = |tree: Tree| machine(&tree.flatten()).unwrap_err();
    assert_eq!(with(Tree { mode: "nativ", ..Tree::sound() }), Error::Property("visa,mode"));
    assert_eq!(with(Tree { finisher: false, ..Tree::sound() }), Error::Missing("sifive,test1"));
    for harts in [vec![], vec![1], vec![0, 2], vec![64]] {
        assert_eq!(with(Tree { harts, ..Tree::sound() }), Error::Harts);
    }
    let whole = Tree::sound().flatten();
    assert_eq!(machine(&[]), Err(Error::Damaged));
    assert_eq!(machine(&whole[..whole.len() / 2]), Err(Error::Damaged));
}

#[test]
fn harts_are_counted_in_any_order() {
    let tree = Tree { harts: vec![2, 0, 1], ..Tree::sound() };
    assert_eq!(machine(&tree.flatten()).unwrap().harts, 3);
}

#[test]
fn a_guest_has_its_memory_and_its_devices_in_pages() {
    let guest = guest(&Tree::sound().flatten()).unwrap();
    assert_eq!(guest.memory.as_slice(), [Region::identity(0x8000_0000, 0x1000_0000)]);
    assert_eq!(
        guest.devices.as_slice(),
        [
            Region::identity(0x10_0000, 0x1000),
            Region::identity(0x1000_0000, 0x1000),
            Region::identity(0x1000_1000, 0x1000),
        ]
    );
}

#[test]
fn memory_that_no_table_can_map_is_refused() {
    for memory in [
        vec![0x8000_0000, 0x1000_0001],
        vec![0x8000_0800, 0x1000],
        vec![0x8000_0000, 0],
        vec![u64::MAX - 0xfff, 0x1000],
    ] {
        let tree = Tree { memory, ..Tree::sound() };
        assert_eq!(guest(&tree.flatten()), Err(Error::Regions));
    }
    let tree = Tree { memory: vec![], ..Tree::sound() };
    assert_eq!(guest(&tree.flatten()), Err(Error::Missing("/memory")));
}
