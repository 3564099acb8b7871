//! The guest's source: `demo.s` assembled here, so that an address of the guest becomes a line that can be shown.

use anyhow::{Context, ensure};
use visa_asm::{LineRecord, Object};

/// The source that the embedded image is made from.
const TEXT: &str = include_str!("../../../../guest/demo/demo.s");
/// Where `cargo xtask guests` places the image.
const BASE: u64 = 0x8020_0000;
/// What begins the comment above each scene but the last; a number and a colon follow.
const SCENE_COMMENT: &str = "; Scene ";
/// What begins the comment above the last one.
const END_COMMENT: &str = "; The end:";

/// The guest's source and what became of it.
pub struct Source {
    lines: Vec<&'static str>,
    object: Object,
    /// Added to an address of the guest's to get one of the assembled program.
    to_image: u64,
}

impl Source {
    /// Assembles the source. `guest` and `physical` are where the guest's memory is for itself and for the machine.
    pub fn assemble(image: &[u8], guest: u64, physical: u64) -> anyhow::Result<Source> {
        let options = visa_asm::Options { base: BASE, ..visa_asm::Options::default() };
        let object = visa_asm::assemble(TEXT, "guest/demo/demo.s", &options)
            .map_err(|diagnostics| anyhow::anyhow!("{}", diagnostics.render(false)))?;
        ensure!(
            object.to_elf() == image,
            "guest/images/demo.elf is not what guest/demo/demo.s gives: run `cargo xtask guests`"
        );
        Ok(Source { lines: TEXT.lines().collect(), object, to_image: physical.wrapping_sub(guest) })
    }

    /// The guest-physical address of a symbol.
    pub fn symbol(&self, name: &str) -> anyhow::Result<u64> {
        let value = self.object.symbol(name).with_context(|| format!("demo.s has no symbol {name}"))?;
        Ok(value.wrapping_sub(self.to_image))
    }

    /// The line, from 1, that became the instruction at a guest-physical address.
    pub fn line_of(&self, pc: u64) -> Option<u32> {
        let address = pc.wrapping_add(self.to_image);
        let is_it = |record: &&LineRecord| address.wrapping_sub(record.address) < record.size;
        self.object.lines.iter().find(is_it).map(|record| record.line)
    }

    /// A line, from 1, as it is written, without the comment.
    pub fn code(&self, line: u32) -> &'static str {
        let text = self.lines.get(line as usize - 1).copied().unwrap_or("");
        text.split(';').next().unwrap_or("").trim_end()
    }

    /// The comment of a line, from 1.
    pub fn comment(&self, line: u32) -> &'static str {
        let text = self.lines.get(line as usize - 1).copied().unwrap_or("");
        text.split_once(';').map_or("", |(_, comment)| comment.trim())
    }

    /// The instruction at a guest-physical address in one line: as in the source, with single spaces.
    pub fn statement(&self, pc: u64) -> Option<String> {
        let line = self.line_of(pc)?;
        let code = self.code(line);
        let code = code.split_once(':').map_or(code, |(_, code)| code);
        Some(code.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The lines of a scene's instructions, from its first to its last.
    pub fn scene_lines(&self, number: usize) -> anyhow::Result<std::ops::RangeInclusive<u32>> {
        let heading = |number: usize| {
            let comment = format!("{SCENE_COMMENT}{number}:");
            self.lines.iter().position(|line| line.starts_with(&comment) || line.starts_with(END_COMMENT))
        };
        let start = heading(number).with_context(|| format!("demo.s has no scene {number}"))? + 2;
        let end = heading(number + 1).filter(|end| *end >= start).unwrap_or(self.lines.len());
        Ok(start as u32..=end as u32)
    }

    /// The guest-physical addresses of the calls that begin scenes 1, 2, ... and the end.
    pub fn scene_calls(&self) -> anyhow::Result<Vec<u64>> {
        let mut calls = Vec::new();
        let headings = self.lines.iter().enumerate();
        for (index, _) in
            headings.filter(|(_, line)| line.starts_with(SCENE_COMMENT) || line.starts_with(END_COMMENT))
        {
            let call = self.object.lines.iter().find(|record| {
                record.line as usize > index && self.code(record.line).trim_start() == "ECALL"
            });
            let call = call.with_context(|| format!("demo.s, line {}: no ECALL begins it", index + 1))?;
            calls.push(call.address.wrapping_sub(self.to_image));
        }
        Ok(calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        let image = include_bytes!("../../../../guest/images/demo.elf");
        Source::assemble(image, 0x4000_0000, 0x8000_0000).unwrap()
    }

    #[test]
    fn an_address_leads_to_its_line() {
        let source = source();
        let switch = source.symbol("switch").unwrap();
        // LI R5, 100 is one instruction; the first write of CR3 follows.
        assert_eq!(source.statement(switch).unwrap(), "LI R5, 100");
        assert_eq!(source.statement(switch + 4).unwrap(), "MOV CR3, R7");
        assert_eq!(source.statement(0x1000), None);
    }

    #[test]
    fn every_scene_begins_with_a_call() {
        let source = source();
        let calls = source.scene_calls().unwrap();
        assert_eq!(calls.len(), 14);
        for (index, call) in calls.iter().enumerate() {
            assert_eq!(source.statement(*call).unwrap(), "ECALL");
            assert!(source.scene_lines(index + 1).unwrap().contains(&source.line_of(*call).unwrap()));
        }
    }
}
