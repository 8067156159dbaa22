//! Plots the growth with logarithmic axes, for light and dark pages.

use super::contender::Program;
use super::growth::Point;
use super::report::{Unit, thousands};

const WIDTH: f64 = 736.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 60.0;

/// Lines of the file, as powers of ten.
const DECADES_OF_LINES: u8 = 6;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.page { fill: #ffffff }
.title { font-size: 15px; font-weight: 600 }
.tick { stroke: #d8dee4; stroke-width: 1 }
.ours { stroke: #0a58ca; fill: #0a58ca }
.theirs { stroke: #b5470c; fill: #b5470c }
.nothing { stroke: #6e7781; fill: #6e7781 }
polyline.ours, polyline.theirs, polyline.nothing { fill: none; stroke-width: 2.5 }
polyline.nothing { stroke-width: 1.5; stroke-dasharray: 5 4 }
text.ours, text.theirs, text.nothing { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .page { fill: #0d1117 }
  .tick { stroke: #30363d }
  .ours { stroke: #6cb0ff; fill: #6cb0ff }
  .theirs { stroke: #ff9a5c; fill: #ff9a5c }
  .nothing { stroke: #9198a1; fill: #9198a1 }
}
";

/// The powers of ten below and above all times in microseconds.
#[derive(Clone, Copy)]
struct Times {
    lowest: u8,
    highest: u8,
}

impl Times {
    fn of(points: &[Point]) -> Self {
        let programs = [Program::Ours, Program::Reference, Program::Nothing];
        let medians = || points.iter().flat_map(|point| programs.map(|program| point.of(program).median()));
        let power = |power: &u8| 10_f64.powi((*power).into());
        let lowest = (0..9).rev().find(|low| medians().all(|time| power(low) <= time));
        let highest = (1..9).find(|high| medians().all(|time| time <= power(high)));
        Self { lowest: lowest.unwrap(), highest: highest.unwrap() }
    }

    fn y(self, microseconds: f64) -> f64 {
        let part = (microseconds.log10() - f64::from(self.lowest)) / f64::from(self.highest - self.lowest);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part
    }
}

fn x(lines: u32) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * f64::from(lines).log10() / f64::from(DECADES_OF_LINES)
}

pub fn svg(points: &[Point]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>Time of newuidmap by the number of lines in /etc/subuid</title>\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\n"
    );
    svg += &text("title", LEFT, 26.0, "start", "newuidmap, from start to end, setuid root");
    let times = Times::of(points);
    svg += &axes(times);
    svg += &series("theirs", "Debian 12", points, times, Program::Reference);
    svg += &series("ours", "uidmap-rs", points, times, Program::Ours);
    svg += &series("nothing", "doing nothing", points, times, Program::Nothing);
    svg + "</svg>\n"
}

fn axes(times: Times) -> String {
    let mut svg = String::new();
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for power in 0..=DECADES_OF_LINES {
        let lines = 10_u32.pow(power.into());
        svg += &line("tick", [x(lines), TOP, x(lines), bottom]);
        svg += &text("", x(lines), bottom + 20.0, "middle", &thousands(lines));
    }
    for power in times.lowest..=times.highest {
        let y = times.y(10_f64.powi(power.into()));
        svg += &line("tick", [LEFT, y, right, y]);
        svg += &text("", LEFT - 10.0, y + 4.5, "end", &short(power));
    }
    svg += &text(
        "",
        f64::midpoint(LEFT, right),
        bottom + 46.0,
        "middle",
        "lines in /etc/subuid, the caller's last",
    );
    let (x, y) = (18.0, f64::midpoint(TOP, bottom));
    svg + &format!(
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\">time, median</text>\n"
    )
}

/// The label of a power of ten in microseconds.
fn short(power: u8) -> String {
    let number = 10_u32.pow(u32::from(power) % 3);
    format!("{number} {}", ["µs", "ms", "s"][usize::from(power / 3)])
}

fn series(class: &str, name: &str, points: &[Point], times: Times, program: Program) -> String {
    let at = |point: &Point| (x(point.lines), times.y(point.of(program).median()));
    let path: Vec<String> = points.iter().map(at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let mut svg = format!("<polyline class=\"{class}\" points=\"{}\"/>\n", path.join(" "));
    for (x, y) in points.iter().map(at) {
        svg += &format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\n");
    }
    let last = points.last().unwrap();
    let (x, y) = at(last);
    svg += &text(class, x + 12.0, y - 2.0, "start", name);
    svg + &text(class, x + 12.0, y + 14.0, "start", &Unit::Microseconds.show(last.of(program).median()))
}

fn line(class: &str, [x1, y1, x2, y2]: [f64; 4]) -> String {
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n")
}

fn text(class: &str, x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>\n")
}
