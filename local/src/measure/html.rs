//! The report as an HTML page: a chart of each figure's distribution, and the table.

use std::fmt::Write as _;

use super::Candidate;
use super::Series;
use super::figures;
use super::figures::FIGURES;
use super::figures::Figure;
use crate::statistics::quantile;

/// Width of a chart, in SVG units.
const WIDTH: f64 = 720.0;
/// Height of a candidate's row, in SVG units.
const ROW: f64 = 34.0;
/// Width of the column of names, in SVG units.
const LEFT: f64 = 150.0;
/// Limit for a dot's distance from the middle of its row, in SVG units.
const SCATTER: f64 = 9.0;

/// A self-contained page.
pub fn html(title: &str, candidates: &[Candidate], series: &[Series]) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{0}</title><style>{STYLE}</style><h1>{0}</h1>\
         <p>Each dot is one start. The line is the median, and the number is its ratio to the median of {1}. \
         The axis ends at the 99th percentile.</p>",
        escape(title),
        escape(candidates.first().map_or("the control", |control| &control.name)),
    );
    for warning in figures::warnings(series) {
        // Writing to a String cannot fail.
        let _ = write!(page, "<p class=\"warning\">{}</p>", escape(&warning));
    }
    for figure in &FIGURES {
        page.push_str(&picture(figure, candidates, series));
    }
    let _ = write!(
        page,
        "<h2>all figures</h2><pre>{}</pre>",
        escape(&figures::table(candidates, series))
    );
    page
}

fn picture(figure: &Figure, candidates: &[Candidate], series: &[Series]) -> String {
    let high = |series: &Series| quantile((figure.of)(series), 0.99).unwrap_or(0.0);
    let max = series.iter().map(high).fold(0.0, f64::max);
    if max == 0.0 {
        return String::new();
    }
    let at = |value: f64| LEFT + (value / max).min(1.0) * (WIDTH - LEFT - 70.0);
    let control = series.first().and_then(|series| quantile((figure.of)(series), 0.5));
    let mut rows = String::new();
    let mut middle = ROW / 2.0;
    for (candidate, series) in candidates.iter().zip(series) {
        let values = (figure.of)(series);
        let median = quantile(values, 0.5).unwrap_or(0.0);
        let _ = write!(
            rows,
            "<text x=\"{}\" y=\"{}\" class=\"name\">{}</text>",
            LEFT - 12.0,
            middle + 4.0,
            escape(&candidate.name)
        );
        for (number, value) in values.iter().enumerate() {
            // Scattered evenly by the golden ratio, so that equal values do not overlap.
            let step = super::float(number as u64) * 0.618_034;
            let y = middle + (step.fract() - 0.5) * 2.0 * SCATTER;
            let _ = write!(rows, "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"2\"/>", at(*value));
        }
        let ratio = control.filter(|control| *control > 0.0).map(|control| median / control);
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}×"));
        let (x, top) = (at(median), middle - SCATTER - 3.0);
        let _ = write!(
            rows,
            "<path d=\"M{x:.1} {top:.1}v{:.1}\"/><text x=\"{}\" y=\"{:.1}\" class=\"ratio\">{ratio}</text>",
            2.0 * SCATTER + 6.0,
            WIDTH - 4.0,
            middle + 4.0
        );
        middle += ROW;
    }
    let bottom = middle - ROW / 2.0;
    format!(
        "<h2>{}</h2><svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"{0}\">{rows}\
         <text x=\"{LEFT}\" y=\"{:.0}\" class=\"axis\">0</text>\
         <text x=\"{:.0}\" y=\"{2:.0}\" class=\"axis\">{max:.0}</text></svg>",
        figure.title,
        bottom + 16.0,
        bottom + 11.0,
        at(max),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#fcfcfb;--ink:#1c1c1a;--soft:#52514e;--dot:#2a78d6;--line:#eb6834}\
@media(prefers-color-scheme:dark){:root{--ground:#161615;--ink:#f2f1ec;--soft:#c3c2b7;--dot:#3987e5;--line:#d95926}}\
body{margin:0 auto;max-width:800px;padding:16px;background:var(--ground);color:var(--ink);\
font:15px/1.5 system-ui,sans-serif}h1{font-size:20px}h2{font-size:15px;margin:22px 0 4px}\
svg{width:100%;height:auto}circle{fill:var(--dot);fill-opacity:.45}\
path{stroke:var(--line);stroke-width:2.5}text{font-size:12px;fill:var(--ink)}\
.name,.ratio{text-anchor:end}.axis{fill:var(--soft);font-size:11px;text-anchor:middle}\
.warning{border-left:3px solid var(--line);padding-left:10px}pre{overflow-x:auto;font-size:12px}";
