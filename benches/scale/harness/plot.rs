//! A plot with two logarithmic axes, as SVG. Its colours are readable on light and on dark backgrounds.

use std::fmt::Write;

use super::text::figure;

/// Width and height of the image, and the distances of the axes from its left, right, top and bottom edges.
const SIZE: (f64, f64) = (640.0, 360.0);
const EDGES: (f64, f64, f64, f64) = (70.0, 110.0, 40.0, 50.0);
/// The least distance of two names.
const LABEL: f64 = 14.0;
/// Of text and axes: as far from white as from black.
const GREY: &str = "#7d7d7d";
/// Of the lines.
const COLOURS: [&str; 4] = ["#3b82f6", "#e07b39", "#2f9e44", "#c2459b"];

/// Lines over the number of attachments.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    pub title: String,
    /// What the vertical axis shows, with its unit.
    pub axis: String,
    /// A name and points with coordinates above zero.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Plot {
    /// Without two points of a line there is nothing to draw.
    pub fn svg(&self) -> Option<String> {
        self.lines.iter().any(|(_, points)| points.len() > 1).then(|| {
            let points = || self.lines.iter().flat_map(|(_, points)| points);
            let scales = [decades(points().map(|point| point.0)), decades(points().map(|point| point.1))];
            let mut svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"{GREY}\">\n<title>{}</title>\n",
                SIZE.0, SIZE.1, self.title
            );
            let label = |x: f64, y: f64, more: &str, text: &str| format!("<text x=\"{x:.1}\" y=\"{y:.1}\"{more}>{text}</text>\n");
            svg += &label(EDGES.0, 20.0, " font-size=\"14\"", &self.title);
            svg += &label(middle(0), SIZE.1 - 10.0, " text-anchor=\"middle\"", "attachments");
            let turned = format!(" text-anchor=\"middle\" transform=\"rotate(-90 16 {:.1})\"", middle(1));
            svg += &label(16.0, middle(1), &turned, &self.axis);
            svg += &grid(scales);
            let mut labels: Vec<f64> = Vec::new();
            for (number, (name, points)) in self.lines.iter().enumerate() {
                let mut label = points.last().map_or(0.0, |point| y(point.1, scales[1]) + 4.0);
                while labels.iter().any(|other| (label - other).abs() < LABEL) {
                    label += LABEL;
                }
                labels.push(label);
                svg += &line(scales, (name, label), points, COLOURS[number % COLOURS.len()]);
            }
            svg + "</svg>\n"
        })
    }
}

/// The powers of ten below and above all of these.
fn decades(values: impl Iterator<Item = f64>) -> (i32, i32) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values {
        (low, high) = (low.min(value.log10()), high.max(value.log10()));
    }
    let whole = |value: f64| format!("{value:.0}").parse().unwrap_or_default();
    let (low, high): (i32, i32) = (whole(low.floor()), whole(high.ceil()));
    (low, high.max(low + 1))
}

/// Where a value is, between 0 and 1.
fn part(value: f64, (low, high): (i32, i32)) -> f64 {
    (value.log10() - f64::from(low)) / f64::from(high - low)
}

fn x(value: f64, scale: (i32, i32)) -> f64 {
    EDGES.0 + part(value, scale) * (SIZE.0 - EDGES.0 - EDGES.1)
}

fn y(value: f64, scale: (i32, i32)) -> f64 {
    SIZE.1 - EDGES.3 - part(value, scale) * (SIZE.1 - EDGES.2 - EDGES.3)
}

/// The middle of an axis.
fn middle(axis: usize) -> f64 {
    [(SIZE.0 + EDGES.0 - EDGES.1) / 2.0, (SIZE.1 + EDGES.2 - EDGES.3) / 2.0][axis]
}

fn grid([across, up]: [(i32, i32); 2]) -> String {
    let (left, right, top, bottom) = (EDGES.0, SIZE.0 - EDGES.1, EDGES.2, SIZE.1 - EDGES.3);
    let mut svg = String::new();
    let rule = |from: (f64, f64), to: (f64, f64)| {
        let [(x1, y1), (x2, y2)] = [from, to];
        format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{GREY}\" stroke-opacity=\"0.4\"/>\n")
    };
    for value in (across.0..=across.1).map(|power| 10f64.powi(power)) {
        let at = x(value, across);
        svg += &rule((at, top), (at, bottom));
        let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>", bottom + 18.0, figure(value));
    }
    for value in (up.0..=up.1).map(|power| 10f64.powi(power)) {
        let at = y(value, up);
        svg += &rule((left, at), (right, at));
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", left - 8.0, at + 4.0, figure(value));
    }
    svg
}

fn line(scales: [(i32, i32); 2], (name, label): (&str, f64), points: &[(f64, f64)], colour: &str) -> String {
    let places: Vec<(f64, f64)> = points.iter().map(|point| (x(point.0, scales[0]), y(point.1, scales[1]))).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let mut svg = format!("<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n", path.join(" "));
    for (x, y) in &places {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
    }
    if let Some((x, _)) = places.last() {
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{label:.1}\" fill=\"{colour}\">{name}</text>", x + 10.0);
    }
    svg
}
