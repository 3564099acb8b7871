//! Line tables (DWARF 4, whose numbers of files all tools read alike): which line of which file each instruction was written in.

use crate::object::{LineRecord, Object};
use gimli::LittleEndian;
use gimli::write::{
    Address, AttributeValue, DwarfUnit, EndianVec, FileId, LineProgram, LineString, Range, RangeList,
    Sections,
};

const ENCODING: gimli::Encoding =
    gimli::Encoding { format: gimli::Format::Dwarf32, version: 4, address_size: 8 };

/// The sections of the line tables. Names of files are relative to `directory`. Empty for a program without code.
pub(crate) fn sections(object: &Object, directory: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut list = Vec::new();
    // The writer fails for tables beyond 4 GiB, which a program of bounded size does not have.
    let _ = write(object, directory, &mut list);
    list
}

fn write(
    object: &Object,
    directory: &str,
    list: &mut Vec<(&'static str, Vec<u8>)>,
) -> Result<(), gimli::write::Error> {
    let mut records: Vec<Vec<&LineRecord>> = vec![Vec::new(); object.sections.len()];
    for record in object.lines.iter().filter(|record| record.size > 0) {
        records[record.section].push(record);
    }
    let code = || object.sections.iter().zip(&records).filter(|(section, _)| section.is_executable);
    if code().next().is_none() {
        return Ok(());
    }
    let name = object.files.first().map_or("", |file| &file.name);
    let (directory, name) = (text(directory, "."), text(name, "source"));
    let line_encoding = gimli::LineEncoding::default();
    let string = |bytes: &[u8]| LineString::String(bytes.into());
    let mut program =
        LineProgram::new(ENCODING, line_encoding, string(&directory), None, string(&name), None);
    let root = program.default_directory();
    let mut add =
        |file: &crate::SourceFile| program.add_file(string(&text(&file.name, "source")), root, None);
    let files: Vec<FileId> = object.files.iter().map(&mut add).collect();
    for (section, records) in code() {
        let mut records = records.clone();
        records.sort_by_key(|record| record.address);
        program.begin_sequence(Some(Address::Constant(section.address)));
        let mut last = None;
        for record in records {
            let place = (files[record.file], record.line);
            if last.replace(place) != Some(place) {
                program.row().address_offset = record.address - section.address;
                (program.row().file, program.row().line) = (place.0, place.1.into());
                program.generate_row();
            }
        }
        program.end_sequence(section.size);
    }

    let mut unit = DwarfUnit::new(ENCODING);
    unit.unit.line_program = program;
    let ranges = code().map(|(section, _)| Range::StartLength {
        begin: Address::Constant(section.address),
        length: section.size,
    });
    let ranges = unit.unit.ranges.add(RangeList(ranges.collect()));
    let producer = format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let root = unit.unit.get_mut(unit.unit.root());
    root.set(gimli::DW_AT_producer, AttributeValue::String(producer.into()));
    root.set(gimli::DW_AT_language, AttributeValue::Language(gimli::DW_LANG_Mips_Assembler));
    root.set(gimli::DW_AT_name, AttributeValue::String(name));
    root.set(gimli::DW_AT_comp_dir, AttributeValue::String(directory));
    root.set(gimli::DW_AT_stmt_list, AttributeValue::LineProgramRef);
    root.set(gimli::DW_AT_low_pc, AttributeValue::Address(Address::Constant(0)));
    root.set(gimli::DW_AT_ranges, AttributeValue::RangeListRef(ranges));
    let mut sections = Sections::new(EndianVec::new(LittleEndian));
    unit.write(&mut sections)?;
    sections.for_each(|id, data| {
        if !data.slice().is_empty() {
            list.push((id.name(), data.slice().to_vec()));
        }
        Ok(())
    })
}

/// A name as the tables can hold it: not empty, and without the byte that ends it.
fn text(name: &str, otherwise: &str) -> Vec<u8> {
    let bytes: Vec<u8> = name.bytes().filter(|&byte| byte != 0).collect();
    if bytes.is_empty() { otherwise.into() } else { bytes }
}
