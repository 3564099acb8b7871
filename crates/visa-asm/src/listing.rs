//! The listing: each line of the source with the address and the bytes that it became.

use crate::object::{LineRecord, Object};
use crate::visible::visible;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Bytes that a line of the listing shows, and lines that it shows for one line of the source.
const BYTES_IN_LINE: usize = 8;
const MOST_LINES: usize = 4;

impl Object {
    /// Address, bytes and source, line by line; the lines of a file that is included follow the line that asks for it.
    pub fn listing(&self) -> String {
        let mut out = String::new();
        let mut included: BTreeMap<usize, Vec<(u32, usize)>> = BTreeMap::new();
        for (index, file) in self.files.iter().enumerate() {
            if let Some((by, line)) = file.included_at {
                included.entry(by).or_default().push((line, index));
            }
        }
        self.list_file(&mut out, 0, &included);
        out
    }

    fn list_file(&self, out: &mut String, file: usize, all: &BTreeMap<usize, Vec<(u32, usize)>>) {
        let first = self.lines.partition_point(|record| record.file < file);
        let mut records = self.lines[first..].iter().take_while(|record| record.file == file).peekable();
        let mut included = all.get(&file).into_iter().flatten().peekable();
        for (index, source) in self.files[file].text.lines().enumerate() {
            let line = index as u32 + 1;
            let shown = visible(source.trim_end());
            let mut source = shown.as_str();
            let mut is_shown = false;
            while let Some(record) = records.next_if(|record| record.line <= line) {
                if record.size > 0 {
                    self.list_record(out, record, line, source);
                    (is_shown, source) = (true, "");
                }
            }
            if !is_shown {
                let _ = writeln!(out, "{}", format!("{:>50}  {source}", format!("{line:>6}")).trim_end());
            }
            while let Some((_, other)) = included.next_if(|(at, _)| *at <= line) {
                self.list_file(out, *other, all);
            }
        }
    }

    fn list_record(&self, out: &mut String, record: &LineRecord, line: u32, source: &str) {
        let section = &self.sections[record.section];
        let start = (record.address - section.address) as usize;
        let end = start.saturating_add(record.size as usize).min(section.data.len());
        let bytes = section.data.get(start..end).unwrap_or(&[]);
        if bytes.is_empty() {
            let size = format!("{} bytes of zeros", record.size);
            let _ = writeln!(out, "{:016x}  {size:<24}  {line:>6}  {source}", record.address);
        }
        let chunks = bytes.chunks(BYTES_IN_LINE);
        let count = chunks.len();
        for (index, chunk) in chunks.take(MOST_LINES).enumerate() {
            let shown: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut shown = shown.join(" ");
            if index + 1 == MOST_LINES && count > MOST_LINES {
                shown = format!("... {} bytes in all", bytes.len());
            }
            let address = record.address + (index * BYTES_IN_LINE) as u64;
            let text = if index == 0 { format!("{line:>6}  {source}") } else { String::new() };
            let _ = writeln!(out, "{}", format!("{address:016x}  {shown:<24}  {text}").trim_end());
        }
    }
}
