//! Charts of ranges as SVG: a value, and the least and the most that something else makes of it. Colours are the same
//! placeholders as in [`crate::chart`].

use plotters::backend::SVGBackend;
use plotters::prelude::{Circle, Color, IntoDrawingArea, PathElement, Rectangle};
use plotters::style::text_anchor::HPos;

use crate::chart::{AXIS_HEIGHT, Area, Drawn, LINE_COLOR, SERIES_COLORS, WIDTH, write};

const LABEL_WIDTH: i32 = 300;
/// Room for the three numbers.
const VALUE_WIDTH: i32 = 190;
const ROW_HEIGHT: i32 = 22;
const BAR_HEIGHT: i32 = 8;
const DOT_RADIUS: i32 = 4;
const TOP: i32 = 6;

/// Lines of the axis that there may be.
const MARKS: [f64; 18] =
    [0.25, 0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0];
/// Room that the text of a line of the axis needs.
const MARK_WIDTH: i32 = 34;

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// What it is.
    pub label: String,
    /// The least.
    pub least: f64,
    /// As it is.
    pub value: f64,
    /// The most.
    pub most: f64,
}

/// A chart of ratios on a logarithmic scale, with the line at 1 always on it.
pub fn svg(ranges: &[Range]) -> String {
    let mut text = String::new();
    let height = TOP + ranges.len() as i32 * ROW_HEIGHT + AXIS_HEIGHT;
    let drawn = {
        let area = SVGBackend::with_string(&mut text, (WIDTH as u32, height as u32)).into_drawing_area();
        draw(&area, ranges, height)
    };
    match drawn {
        Ok(()) => text,
        Err(error) => format!("<p>This chart could not be drawn: {error}</p>"),
    }
}

/// Where ratios lie.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    /// A little more than all ranges, and 1.
    fn of(ranges: &[Range]) -> Scale {
        let least = ranges.iter().map(|range| range.least).fold(1.0, f64::min).max(1e-3);
        let most = ranges.iter().map(|range| range.most).fold(1.0, f64::max);
        let margin = (most / least).powf(0.03).max(1.02);
        Scale { least: least / margin, most: most * margin }
    }

    fn x(&self, ratio: f64) -> i32 {
        let room = f64::from(WIDTH - LABEL_WIDTH - VALUE_WIDTH);
        let part = (ratio.max(self.least) / self.least).ln() / (self.most / self.least).ln();
        LABEL_WIDTH + (part.clamp(0.0, 1.0) * room).round() as i32
    }

    /// Lines of the axis that there is room for: 1, and those far enough from all before.
    fn marks(&self) -> Vec<f64> {
        let mut marks = vec![1.0];
        for mark in MARKS.into_iter().filter(|mark| (self.least..=self.most).contains(mark)) {
            if marks.iter().all(|other| (self.x(*other) - self.x(mark)).abs() >= MARK_WIDTH) {
                marks.push(mark);
            }
        }
        marks
    }
}

fn draw(area: &Area<'_>, ranges: &[Range], height: i32) -> Drawn {
    let scale = Scale::of(ranges);
    let bottom = height - AXIS_HEIGHT;
    for mark in scale.marks() {
        let width = if mark == 1.0 { 2 } else { 1 };
        let line = vec![(scale.x(mark), TOP), (scale.x(mark), bottom)];
        area.draw(&PathElement::new(line, LINE_COLOR.stroke_width(width)))?;
        write(area, &format!("{mark}"), (scale.x(mark), bottom + AXIS_HEIGHT / 2), HPos::Center)?;
    }
    for (row, range) in ranges.iter().enumerate() {
        let middle = TOP + row as i32 * ROW_HEIGHT + ROW_HEIGHT / 2;
        write(area, &range.label, (LABEL_WIDTH - 10, middle), HPos::Right)?;
        let (left, right) = (scale.x(range.least), scale.x(range.most));
        let corners = [(left, middle - BAR_HEIGHT / 2), (right.max(left + 1), middle + BAR_HEIGHT / 2)];
        area.draw(&Rectangle::new(corners, SERIES_COLORS[0].filled()))?;
        area.draw(&Circle::new((scale.x(range.value), middle), DOT_RADIUS, SERIES_COLORS[1].filled()))?;
        let text = format!("{} ({} to {})", shown(range.value), shown(range.least), shown(range.most));
        write(area, &text, (WIDTH - VALUE_WIDTH + 12, middle), HPos::Left)?;
    }
    area.present()?;
    Ok(())
}

/// Ratios near 1 need more decimals than large ones.
fn shown(ratio: f64) -> String {
    if ratio < 1.2 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges() -> Vec<Range> {
        let range = |label: &str, least, value, most| Range { label: label.into(), least, value, most };
        vec![range("one", 0.99, 1.0, 1.01), range("two", 2.0, 4.0, 8.0)]
    }

    #[test]
    fn rows_have_a_bar_a_dot_and_their_numbers() {
        let svg = svg(&ranges());
        assert_eq!((svg.matches("<rect").count(), svg.matches("<circle").count()), (2, 2));
        assert!(svg.contains("4.00 (2.00 to 8.00)") && svg.contains("1.0000 (0.9900 to 1.0100)"), "{svg}");
    }

    #[test]
    fn the_scale_is_logarithmic_and_has_one() {
        let scale = Scale::of(&ranges());
        assert_eq!(scale.x(4.0) - scale.x(2.0), scale.x(8.0) - scale.x(4.0));
        assert!(scale.marks().contains(&1.0));
        assert!(scale.x(8.0) < WIDTH - VALUE_WIDTH && scale.x(0.99) > LABEL_WIDTH);
        let alone = Scale::of(&[]);
        assert!(alone.x(1.0) > LABEL_WIDTH);
    }
}
