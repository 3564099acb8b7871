//! `.include` and `.incbin`.

use super::MOST_SOURCE_BYTES;
use crate::diagnostic::Message;
use crate::layout::MOST_FILE_BYTES;
use crate::lexer::Token;
use crate::macros::MOST_DEPTH;
use crate::parser::{Cursor, Parsed};
use crate::program::Content;
use crate::source::{Kind, Location};
use crate::state::Assembler;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

impl Assembler<'_> {
    /// `.include`: the lines of another file.
    pub(crate) fn include(&mut self, cursor: &mut Cursor, location: Location, depth: usize) -> Parsed<()> {
        let name_location = cursor.location();
        let name = self.file_name(cursor)?;
        cursor.expect_end()?;
        if depth >= MOST_DEPTH {
            let message = format!("files and macros nest more than {MOST_DEPTH} deep");
            return Err(Message::new(location, message).help("does the file include itself?"));
        }
        let (path, bytes) = self.find(&name, name_location)?;
        if (self.sources.file_bytes() + bytes.len()) as u64 > MOST_SOURCE_BYTES {
            let message = format!("all files together have more than {} MiB", MOST_SOURCE_BYTES >> 20);
            self.ended = true;
            return Err(Message::new(location, message).help("does a file include itself?"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let message = format!("{} is no text: byte {} is not UTF-8", path.display(), error.valid_up_to());
            Message::new(name_location, message)
        })?;
        let kind = Kind::File { name: path.display().to_string().into() };
        let buffer = self.sources.add(text, kind, Some(location));
        self.run(buffer, depth + 1);
        Ok(())
    }

    /// `.incbin`: the bytes of a file, all or a part.
    pub(crate) fn incbin(&mut self, cursor: &mut Cursor, location: Location) -> Parsed<()> {
        let name_location = cursor.location();
        let name = self.file_name(cursor)?;
        let skip_location = cursor.location();
        let skip = self.optional_constant(cursor)?.unwrap_or(0);
        let count = self.optional_constant(cursor)?;
        cursor.expect_end()?;
        let (path, bytes) = self.find(&name, name_location)?;
        let start = usize::try_from(skip).ok().filter(|&start| start <= bytes.len());
        let part = start.and_then(|start| match count {
            None => bytes.get(start..),
            Some(count) => bytes.get(start..start.checked_add(usize::try_from(count).ok()?)?),
        });
        let part = part.ok_or_else(|| {
            let message = format!("{} has {} bytes, and not this part", path.display(), bytes.len());
            Message::new(cursor.since(skip_location), message)
        })?;
        self.binary_bytes += part.len() as u64;
        if self.binary_bytes > MOST_FILE_BYTES {
            let message =
                format!("this takes more room than the {} MiB that there is", MOST_FILE_BYTES >> 20);
            return Err(Message::new(location, message));
        }
        self.push(location, Content::Bytes(part.into()));
        Ok(())
    }

    fn file_name(&self, cursor: &mut Cursor) -> Parsed<String> {
        let location = cursor.location();
        if cursor.peek() != Some(Token::Text) {
            return Err(cursor.unexpected("a file's name in quotation marks"));
        }
        let name = String::from_utf8(cursor.string()?);
        name.ok()
            .filter(|name| !name.is_empty() && !name.contains('\0'))
            .ok_or_else(|| Message::new(location, "this is no file's name"))
    }

    /// A file by its name: beside the file that asks, then where the options say, then where the command was started.
    fn find(&mut self, name: &str, location: Location) -> Parsed<(PathBuf, Rc<[u8]>)> {
        let asking = self.sources.file_of(location.buffer);
        let beside = Path::new(self.sources.name(asking)).parent().map(Path::to_path_buf).unwrap_or_default();
        let mut folders = vec![beside];
        folders.extend(self.options.include.iter().cloned());
        folders.push(PathBuf::new());
        let mut missing = None;
        for folder in &folders {
            // An absolute name stays as it is.
            let path = folder.join(name);
            if let Some(bytes) = self.read.get(&path) {
                return Ok((path, bytes.clone()));
            }
            match self.files.read(&path, MOST_FILE_BYTES) {
                Ok(bytes) => {
                    let bytes: Rc<[u8]> = bytes.into();
                    self.read.insert(path.clone(), bytes.clone());
                    return Ok((path, bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    missing.get_or_insert(error);
                }
                Err(error) => return Err(Message::new(location, format!("{}: {error}", path.display()))),
            }
        }
        let reason = missing.map_or_else(String::new, |error| format!(": {error}"));
        let message = Message::new(location, format!("cannot read `{name}`{reason}"));
        Err(message.help(looked_in(&folders)))
    }
}

fn looked_in(folders: &[PathBuf]) -> String {
    let mut shown: Vec<String> = Vec::new();
    for folder in folders {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let text = folder.display().to_string();
        if !shown.contains(&text) {
            shown.push(text);
        }
    }
    format!("looked in {}; -I names another folder", shown.join(", "))
}
