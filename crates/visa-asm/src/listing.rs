//! The listing: each line of the source with the address and the bytes that it became.

use crate::object::{LineRecord, Object};
use std::fmt::Write;

/// Bytes that a line of the listing shows, and lines that it shows for one line of the source.
const BYTES_IN_LINE: usize = 8;
const MOST_LINES: usize = 4;

impl Object {
    /// Address, bytes and source, line by line.
    pub fn listing(&self) -> String {
        let mut out = String::new();
        let mut records = self.lines.iter().peekable();
        for (index, source) in self.source.lines().enumerate() {
            let line = index as u32 + 1;
            let mut source = source.trim_end();
            let mut is_shown = false;
            while let Some(record) = records.next_if(|record| record.line <= line) {
                if record.size > 0 {
                    self.list_record(&mut out, record, line, source);
                    (is_shown, source) = (true, "");
                }
            }
            if !is_shown {
                let _ = writeln!(out, "{}", format!("{:>50}  {source}", format!("{line:>6}")).trim_end());
            }
        }
        out
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
