//! A terminal in two parts: the guest's console above, the table of exits below.
//!
//! What the guest prints goes to a terminal emulation of the upper part's size, so that no escape sequence of the guest's
//! can touch the table, and none is cut by it. Rows that have changed are written out. All of it is on the alternate
//! screen; when that is left, the console's last lines are written to the usual one.

use std::io;
use std::num::NonZeroU16;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{self as host, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use vt100::{Callbacks, Parser, Screen};

use crate::{output, terminal};

/// Lines of the console that are kept for the end.
const SCROLLBACK_LINES: usize = 1000;
/// The table gets at most this part of the rows.
const TABLE_SHARE: u16 = 3;
/// And no more than so many rows.
const TABLE_ROWS_MAX: u16 = 14;
/// With one cause: the status line, the heading, the cause and the total.
const TABLE_ROWS_AT_FIRST: u16 = 4;
/// What a guest's questions may be answered with between two looks.
const ANSWER_BYTES_MAX: usize = 256;

/// Rows and columns; neither is ever zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    rows: u16,
    columns: u16,
}

impl Size {
    /// The terminal's.
    fn of_terminal() -> io::Result<Size> {
        let (columns, rows) = host::size()?;
        Ok(Size { rows: rows.max(2), columns: columns.max(1) })
    }

    /// Rows that the table may have, its status line included.
    fn table_rows_max(self) -> u16 {
        (self.rows / TABLE_SHARE).clamp(1, TABLE_ROWS_MAX)
    }

    /// The console's part, if the table has so many rows.
    fn console(self, table_rows: u16) -> (NonZeroU16, NonZeroU16) {
        let least_one = |number: u16| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
        (least_one(self.rows - table_rows.min(self.table_rows_max())), least_one(self.columns))
    }
}

/// What the guest asked its terminal, answered.
#[derive(Default)]
struct Answers(Vec<u8>);

impl Callbacks for Answers {
    /// "Where is the cursor?" (DSR 6): programs find out by it how large the terminal is.
    fn unhandled_csi(
        &mut self,
        screen: &mut Screen,
        first: Option<u8>,
        _: Option<u8>,
        parameters: &[&[u16]],
        c: char,
    ) {
        let (row, column) = screen.cursor_position();
        if c == 'n' && first.is_none() && parameters == [&[6]] && self.0.len() < ANSWER_BYTES_MAX {
            let column = column.min(screen.size().1.get() - 1);
            self.0.extend(format!("\x1b[{};{}R", row + 1, column + 1).bytes());
        }
    }
}

/// The two parts, without the terminal that shows them.
struct Parts {
    size: Size,
    console: Parser<Answers>,
    status: String,
    table: Vec<String>,
    /// The most rows that the table has had, its status line included: it does not shrink again.
    table_rows: u16,
}

impl Parts {
    fn new(size: Size) -> Parts {
        let (rows, columns) = size.console(TABLE_ROWS_AT_FIRST);
        let console = Parser::new_with_callbacks(rows, columns, SCROLLBACK_LINES, Answers::default());
        Parts { size, console, status: String::new(), table: Vec::new(), table_rows: TABLE_ROWS_AT_FIRST }
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
        self.divide();
    }

    fn set_table(&mut self, status: String, table: Vec<String>) {
        let rows = u16::try_from(table.len() + 1).unwrap_or(u16::MAX);
        (self.status, self.table) = (status, table);
        if rows > self.table_rows {
            self.table_rows = rows;
            self.divide();
        }
    }

    /// Gives the console what the table leaves.
    fn divide(&mut self) {
        let (rows, columns) = self.size.console(self.table_rows);
        self.console.set_size(rows, columns);
    }

    /// Every row of the screen, with its attributes, from the top.
    fn rows(&self) -> Vec<String> {
        let columns = usize::from(self.size.columns);
        // More columns than there are: then no row's text depends on the row before.
        let mut rows: Vec<String> = self.console.screen().rows_formatted(0, u16::MAX).collect();
        let status: String = self.status.chars().take(columns).collect();
        rows.push(format!("{}{status:<columns$}", SetAttribute(Attribute::Reverse)));
        rows.extend(self.table.iter().map(|line| line.chars().take(columns).collect()));
        rows.resize(usize::from(self.size.rows), String::new());
        rows
    }

    /// All that the console has shown and still has, without empty rows at the end.
    fn console_rows(&mut self) -> Vec<String> {
        let screen = self.console.screen_mut();
        screen.set_scrollback(SCROLLBACK_LINES);
        let mut rows = Vec::new();
        for offset in (1..=screen.scrollback()).rev() {
            screen.set_scrollback(offset);
            rows.extend(screen.rows_formatted(0, u16::MAX).next());
        }
        screen.set_scrollback(0);
        rows.extend(screen.rows_formatted(0, u16::MAX));
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }
}

/// The two parts on a terminal.
pub struct SplitScreen {
    parts: Parts,
    /// The rows that the terminal shows; none if it is not known what it shows.
    shown: Vec<String>,
    input_modes: String,
}

impl SplitScreen {
    /// Takes the terminal.
    pub fn enter() -> io::Result<SplitScreen> {
        let screen = SplitScreen {
            parts: Parts::new(Size::of_terminal()?),
            shown: Vec::new(),
            input_modes: String::new(),
        };
        terminal::enter_alternate()?;
        Ok(screen)
    }

    /// Takes what the guest printed; returns what its terminal answers.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.parts.console.process(bytes);
        std::mem::take(&mut self.parts.console.callbacks_mut().0)
    }

    /// Columns and rows for the table.
    pub fn room(&self) -> (usize, usize) {
        (usize::from(self.parts.size.columns), usize::from(self.parts.size.table_rows_max() - 1))
    }

    /// Another table, and the line above it.
    pub fn set_table(&mut self, status: String, table: Vec<String>) {
        self.parts.set_table(status, table);
    }

    /// Follows the terminal's size. True if it has changed.
    pub fn follow_size(&mut self) -> io::Result<bool> {
        let size = Size::of_terminal()?;
        let changed = size != self.parts.size;
        if changed {
            self.parts.resize(size);
            self.shown.clear();
        }
        Ok(changed)
    }

    /// Writes out the rows that have changed.
    pub fn draw(&mut self) -> io::Result<()> {
        let rows = self.parts.rows();
        let mut out = Vec::new();
        queue!(out, BeginSynchronizedUpdate, Hide)?;
        if self.shown.len() != rows.len() {
            queue!(out, SetAttribute(Attribute::Reset), Clear(ClearType::All))?;
            self.shown = vec![String::new(); rows.len()];
        }
        for ((number, row), shown) in rows.iter().enumerate().zip(&mut self.shown) {
            if row != shown {
                queue!(out, MoveTo(0, number as u16), SetAttribute(Attribute::Reset))?;
                queue!(out, Clear(ClearType::UntilNewLine), Print(row), SetAttribute(Attribute::Reset))?;
                shown.clone_from(row);
            }
        }
        let screen = self.parts.console.screen();
        let modes = screen.input_mode_formatted();
        if modes != self.input_modes {
            queue!(out, Print(&modes))?;
            self.input_modes = modes;
        }
        let (row, column) = screen.cursor_position();
        queue!(out, MoveTo(column.min(self.parts.size.columns - 1), row))?;
        if !screen.hide_cursor() {
            queue!(out, Show)?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        output::output().offer(&out)
    }

    /// Gives the terminal back for a while.
    pub fn suspend(&mut self) {
        terminal::leave_alternate();
    }

    /// Takes it again.
    pub fn resume(&mut self) -> io::Result<()> {
        terminal::enter_alternate()?;
        self.shown.clear();
        self.input_modes.clear();
        self.follow_size()?;
        self.draw()
    }

    /// Gives the terminal back, and leaves on it what the console has shown.
    pub fn leave(mut self) -> io::Result<()> {
        terminal::leave_alternate();
        let rows = self.parts.console_rows();
        let mut out = Vec::new();
        for row in rows {
            queue!(out, Print(row), SetAttribute(Attribute::Reset), Print("\r\n"))?;
        }
        output::output().offer(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(rows: u16, columns: u16) -> Parts {
        Parts::new(Size { rows, columns })
    }

    /// What a terminal shows that gets the rows.
    fn shown(parts: &Parts) -> Vec<String> {
        let size = |number| NonZeroU16::new(number).unwrap();
        let mut terminal = Parser::new(size(parts.size.rows), size(parts.size.columns), 0);
        for (number, row) in parts.rows().iter().enumerate() {
            terminal.process(format!("\x1b[{};1H\x1b[m\x1b[K{row}\x1b[m", number + 1).as_bytes());
        }
        terminal.screen().rows(0, parts.size.columns).map(|row| row.trim_end().to_string()).collect()
    }

    #[test]
    fn the_table_stays_below_whatever_the_guest_does() {
        let mut parts = parts(12, 20);
        parts.set_table("status".into(), vec!["one".into(), "two".into(), "three".into()]);
        // More lines than there is room for, a long one, a scroll region, a cursor far below, all cleared, and text.
        parts.console.process(b"1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n");
        parts
            .console
            .process(b"\x1b[1;40r\x1b[99;1Hlast row, and on the next\x1b[2J\x1b[Htop\x1b[8;1H\x1b[31mred");
        let rows = shown(&parts);
        assert_eq!(rows, ["top", "", "", "", "", "", "", "red", "status", "one", "two", "three"]);
    }

    #[test]
    fn the_table_takes_what_it_needs_up_to_its_share() {
        let mut parts = parts(24, 20);
        let console_rows = |parts: &Parts| parts.console.screen().size().0.get();
        assert_eq!(console_rows(&parts), 20);
        parts.set_table(String::new(), vec![String::new(); 6]);
        assert_eq!(console_rows(&parts), 17);
        parts.set_table(String::new(), vec![String::new(); 2]);
        assert_eq!(console_rows(&parts), 17, "it does not jump");
        parts.resize(Size { rows: 9, columns: 20 });
        assert_eq!(console_rows(&parts), 6);
        parts.resize(Size { rows: 2, columns: 20 });
        assert_eq!(console_rows(&parts), 1);
        assert_eq!(parts.rows().len(), 2);
    }

    #[test]
    fn rows_do_not_depend_on_the_row_before() {
        let mut parts = parts(9, 10);
        parts.console.process(b"0123456789abcdefghij");
        assert_eq!(shown(&parts)[..2], ["0123456789", "abcdefghij"]);
        let rows = parts.rows();
        assert!(rows[1].starts_with("abc"), "{rows:?}");
    }

    #[test]
    fn the_console_is_kept_for_the_end() {
        let mut parts = parts(9, 20);
        (0..50).for_each(|number| parts.console.process(format!("line {number}\r\n").as_bytes()));
        let rows = parts.console_rows();
        assert_eq!(rows.len(), 50);
        assert_eq!((rows[0].as_str(), rows[49].as_str()), ("line 0", "line 49"));
    }

    #[test]
    fn a_guest_learns_the_size_of_its_part() {
        let mut parts = parts(24, 80);
        parts.console.process(b"\x1b[999;999H\x1b[6n");
        assert_eq!(parts.console.callbacks().0, b"\x1b[20;80R");
        (0..1000).for_each(|_| parts.console.process(b"\x1b[6n"));
        assert!(parts.console.callbacks().0.len() < 2 * ANSWER_BYTES_MAX);
    }

    #[test]
    fn no_output_of_a_guest_panics() {
        let mut state = 1u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let pieces: [&[u8]; 24] = [
            b"\x1b[",
            b"\x1b]",
            b"\x1b",
            b";",
            b"?",
            b"H",
            b"r",
            b"J",
            b"K",
            b"L",
            b"M",
            b"P",
            b"@",
            b"X",
            b"S",
            b"T",
            b"m",
            b"h",
            b"l",
            b"1049",
            b"65535",
            b"\xf0\x9f\x98\x80",
            b"e\xcc\x81",
            b"\r\n",
        ];
        let mut parts = parts(5, 7);
        for round in 0..60_000 {
            match random() % 8 {
                0 => parts.console.process(&[random() as u8]),
                1 => parts.console.process((random() % 70).to_string().as_bytes()),
                _ => parts.console.process(pieces[random() as usize % pieces.len()]),
            }
            if round % 100 == 0 {
                parts.resize(Size { rows: 2 + random() as u16 % 30, columns: 1 + random() as u16 % 90 });
                assert_eq!(parts.rows().len(), usize::from(parts.size.rows));
            }
        }
        parts.console_rows();
    }
}
