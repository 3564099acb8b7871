//! Bar charts as SVG. Colours are placeholders that the page's style sheet replaces, so that a chart follows the
//! reader's choice of a light or a dark page.

use plotters::backend::SVGBackend;
use plotters::prelude::{
    Color, DrawingArea, IntoDrawingArea, IntoFont, PathElement, RGBColor, Rectangle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Series at most: as many colours as the style sheet of the page has.
pub const SERIES_MAX: usize = 4;

/// What the style sheet knows the series by; `style.css` has the same four.
pub(crate) const SERIES_COLORS: [RGBColor; SERIES_MAX] =
    [RGBColor(1, 0, 1), RGBColor(2, 0, 2), RGBColor(3, 0, 3), RGBColor(4, 0, 4)];
const TEXT_COLOR: RGBColor = RGBColor(5, 0, 5);
pub(crate) const LINE_COLOR: RGBColor = RGBColor(6, 0, 6);

pub(crate) const WIDTH: i32 = 860;
const LABEL_WIDTH: i32 = 200;
/// Room for the value behind the longest bar.
const VALUE_WIDTH: i32 = 90;
const BAR_HEIGHT: i32 = 13;
const GROUP_GAP: i32 = 9;
pub(crate) const AXIS_HEIGHT: i32 = 22;
const LEGEND_HEIGHT: i32 = 26;
/// What stands where there was nothing of the kind.
const NOTHING: &str = "none";
const FONT: &str = "sans-serif";
const FONT_SIZE: i32 = 13;
/// Roughly: plotters cannot measure the reader's font.
const LETTER_WIDTH: f64 = 7.2;

/// How values become lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// In proportion, from zero.
    Linear,
    /// By powers of ten. Zero has no length.
    Logarithmic,
}

/// A label, and a value for each series; nothing where there was nothing of the kind.
pub type Group = (String, Vec<Option<f64>>);

/// One chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// How values become lengths.
    pub scale: Scale,
    /// Where bars begin with a logarithmic scale.
    pub origin: f64,
    /// Decimals of the values.
    pub decimals: usize,
    /// Names of the series.
    pub series: Vec<String>,
    /// What is compared.
    pub groups: Vec<Group>,
}

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Writing into a string cannot fail; plotters' interface says that drawing may.
pub(crate) type Drawn = Result<(), Box<dyn std::error::Error>>;

impl Chart {
    /// The SVG element.
    pub fn svg(&self) -> String {
        let mut text = String::new();
        let group_height = self.series.len() as i32 * BAR_HEIGHT + GROUP_GAP;
        let height = LEGEND_HEIGHT + self.groups.len() as i32 * group_height + AXIS_HEIGHT;
        let drawn = {
            let area = SVGBackend::with_string(&mut text, (WIDTH as u32, height as u32)).into_drawing_area();
            self.draw(&area, group_height, height)
        };
        match drawn {
            Ok(()) => text,
            Err(error) => format!("<p>This chart could not be drawn: {error}</p>"),
        }
    }

    fn draw(&self, area: &Area<'_>, group_height: i32, height: i32) -> Drawn {
        self.legend(area)?;
        self.axis(area, height)?;
        for (index, (label, values)) in self.groups.iter().enumerate() {
            let top = LEGEND_HEIGHT + index as i32 * group_height + GROUP_GAP / 2;
            let middle = top + values.len() as i32 * BAR_HEIGHT / 2;
            write(area, label, (LABEL_WIDTH - 8, middle), HPos::Right)?;
            for (series, value) in values.iter().enumerate() {
                self.bar(area, series, *value, top + series as i32 * BAR_HEIGHT)?;
            }
        }
        area.present()?;
        Ok(())
    }

    fn bar(&self, area: &Area<'_>, series: usize, value: Option<f64>, top: i32) -> Drawn {
        let middle = top + BAR_HEIGHT / 2;
        let Some(value) = value else {
            return write(area, NOTHING, (LABEL_WIDTH + 6, middle), HPos::Left);
        };
        let end = LABEL_WIDTH + self.length(value);
        if end > LABEL_WIDTH {
            let corners = [(LABEL_WIDTH, top + 1), (end, top + BAR_HEIGHT - 1)];
            area.draw(&Rectangle::new(corners, SERIES_COLORS[series % SERIES_MAX].filled()))?;
        }
        write(area, &shown(value, self.decimals), (end + 6, middle), HPos::Left)
    }

    /// A box of its colour and its name for each series.
    fn legend(&self, area: &Area<'_>) -> Drawn {
        let mut left = LABEL_WIDTH;
        for (series, name) in self.series.iter().enumerate() {
            let corners = [(left, 4), (left + 11, 15)];
            area.draw(&Rectangle::new(corners, SERIES_COLORS[series % SERIES_MAX].filled()))?;
            write(area, name, (left + 17, 10), HPos::Left)?;
            left += 17 + (name.len() as f64 * LETTER_WIDTH) as i32 + 18;
        }
        Ok(())
    }

    /// Vertical lines with their values below.
    fn axis(&self, area: &Area<'_>, height: i32) -> Drawn {
        let bottom = height - AXIS_HEIGHT;
        for mark in self.marks() {
            let x = LABEL_WIDTH + self.length(mark);
            area.draw(&PathElement::new(vec![(x, LEGEND_HEIGHT), (x, bottom)], LINE_COLOR.stroke_width(1)))?;
            write(area, &shown(mark, 0), (x, bottom + 11), HPos::Center)?;
        }
        Ok(())
    }

    /// Where the axis has lines: the powers of ten, or about five round values.
    fn marks(&self) -> Vec<f64> {
        let greatest = self.greatest();
        match self.scale {
            Scale::Logarithmic => {
                let powers = std::iter::successors(Some(self.origin), |mark| Some(mark * 10.0));
                powers.take_while(|mark| *mark <= greatest * 1.000_001).collect()
            }
            Scale::Linear => {
                let rough = greatest / 5.0;
                let power = 10f64.powf(rough.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power);
                let step = step.into_iter().find(|step| *step >= rough).unwrap_or(greatest).max(1.0);
                let steps = (greatest / step) as usize;
                (0..=steps).map(|count| count as f64 * step).collect()
            }
        }
    }

    fn greatest(&self) -> f64 {
        let values = self.groups.iter().flat_map(|(_, values)| values.iter().flatten());
        let least = if self.scale == Scale::Logarithmic { self.origin * 10.0 } else { 1e-9 };
        values.copied().fold(least, f64::max)
    }

    fn length(&self, value: f64) -> i32 {
        let room = f64::from(WIDTH - LABEL_WIDTH - VALUE_WIDTH);
        let part = match self.scale {
            Scale::Linear => value / self.greatest(),
            Scale::Logarithmic if value <= self.origin => 0.0,
            Scale::Logarithmic => (value / self.origin).log10() / (self.greatest() / self.origin).log10(),
        };
        (part * room).round() as i32
    }
}

pub(crate) fn write(area: &Area<'_>, text: &str, at: (i32, i32), side: HPos) -> Drawn {
    let style = (FONT, FONT_SIZE).into_font().color(&TEXT_COLOR).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_string(), at, style))?;
    Ok(())
}

/// A value with thousands apart, or with decimals if it is small and not nothing.
pub fn shown(value: f64, decimals: usize) -> String {
    if value.abs() >= 1000.0 || value == 0.0 {
        return crate::table::grouped(value.round() as u64);
    }
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale) -> Chart {
        Chart {
            scale,
            origin: 1.0,
            decimals: 2,
            series: vec!["one".into(), "two".into()],
            groups: vec![("a".into(), vec![Some(100.0), Some(1.0)]), ("b".into(), vec![Some(10.0), None])],
        }
    }

    #[test]
    fn lengths_follow_the_scale() {
        let room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
        let linear = chart(Scale::Linear);
        assert_eq!((linear.length(100.0), linear.length(50.0), linear.length(0.0)), (room, room / 2, 0));
        let logarithmic = chart(Scale::Logarithmic);
        assert_eq!(logarithmic.length(100.0), room);
        assert_eq!(logarithmic.length(10.0), room / 2);
        assert_eq!((logarithmic.length(1.0), logarithmic.length(0.0)), (0, 0));
        assert_eq!(logarithmic.marks(), [1.0, 10.0, 100.0]);
        assert_eq!(linear.marks(), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }

    #[test]
    fn a_chart_is_an_svg_with_its_labels() {
        let svg = chart(Scale::Linear).svg();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains(NOTHING) && svg.contains("two"));
        assert!(svg.contains(r##"fill="#010001""##), "{svg}");
    }
}
