// The time axis: a mapping of times to pixels that fits the data. Idle time is folded to a strip of
// fixed width, so that two short bursts with ten minutes between them both fill the width.

// Width of a fold and least width of a piece, in pixels.
const FOLD = 46, MIN_PIECE = 30;
// Gaps shorter than this, in milliseconds, are never folded.
const MIN_GAP = 1000;
// The shortest time that fills the width, in milliseconds.
const MIN_SHOWN = 20;

// Joins intervals whose gaps are at most `gap`.
function join(intervals, gap) {
  const joined = [];
  for (const [start, end] of intervals) {
    const last = joined.at(-1);
    if (last && start - last[1] <= gap) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

function burstsOf(activity, width) {
  const intervals = activity.slice().sort((one, other) => one[0] - other[0]);
  const most = Math.min(8, Math.max(2, Math.floor(width / 180)));
  for (let gap = MIN_GAP; ; gap *= 2) {
    const bursts = join(intervals, gap);
    if (bursts.length <= most) return { bursts, gap };
  }
}

// Adds space at both ends, within the gaps: it shows the state before and afterwards.
function padded(bursts, gap, now) {
  const whole = bursts.reduce((sum, [start, end]) => sum + end - start, 0);
  const pad = Math.max(whole * 0.04, MIN_SHOWN * 0.05);
  return bursts.map(([start, end], index) => {
    const before = index ? (start - bursts[index - 1][1]) / 2 : start;
    const next = bursts[index + 1]?.[0];
    const last = next === undefined;
    // The last burst goes on until now, unless it is over.
    const after = last ? Math.max(0, now - end) : (next - end) / 2;
    const follows = last && after <= gap;
    const from = start - Math.min(pad, before);
    return [from, Math.max(follows ? now : end + Math.min(pad, after), from + MIN_SHOWN)];
  });
}

// An axis for a mode of the page: "fit", "burst", or a number of seconds until now.
export function makeAxis(activity, now, width, mode) {
  if (mode !== "fit" && mode !== "burst") return linear(now - mode * 1000, now, width);
  if (!activity.length) return linear(Math.max(0, now - 15000), Math.max(now, 1), width);
  const { bursts, gap } = burstsOf(activity, width);
  const shown = padded(mode === "burst" ? bursts.slice(-1) : bursts, gap, now);
  const idle = now - shown.at(-1)[1];
  const trailing = idle > 0;
  const folds = shown.length - 1 + (trailing ? 1 : 0);
  const whole = shown.reduce((sum, [start, end]) => sum + end - start, 0);
  const free = Math.max(0, width - folds * FOLD - shown.length * MIN_PIECE);
  const pieces = [];
  let x = 0;
  shown.forEach(([start, end], index) => {
    const wide = MIN_PIECE + free * (end - start) / whole;
    pieces.push({ start, end, x, wide, fold: false });
    x += wide;
    const next = shown[index + 1]?.[0] ?? now;
    if (index + 1 < shown.length || trailing) {
      pieces.push({ start: end, end: next, x, wide: FOLD, fold: true });
      x += FOLD;
    }
  });
  return axisOf(pieces, false);
}

const linear = (from, to, width) => axisOf([{ start: from, end: to, x: 0, wide: width, fold: false }], true);

function axisOf(pieces, untilNow) {
  const first = pieces[0], last = pieces.at(-1);
  const at = time => {
    const piece = pieces.find(piece => time <= piece.end) ?? last;
    return piece.x + (time - piece.start) / (piece.end - piece.start || 1) * piece.wide;
  };
  return { pieces, at, from: first.start, to: last.end, width: last.x + last.wide, untilNow };
}

const STEPS = [1, 2, 5];
function niceStep(least) {
  for (let power = 10 ** Math.floor(Math.log10(least)); ; power *= 10) {
    const step = STEPS.find(step => step * power >= least);
    if (step) return step * power;
  }
}

// The labels of an axis: { x, text, kind }. A piece begins with the time of day, then come offsets.
export function labels(axis, timeOf) {
  const made = [];
  for (const piece of axis.pieces) {
    if (piece.fold) {
      made.push({ x: piece.x + piece.wide / 2, text: `⋯${short(piece.end - piece.start)}⋯`, kind: "fold" });
      continue;
    }
    const taken = piece.wide > 62 ? 62 : 0;
    if (taken) made.push({ x: piece.x, text: timeOf(piece.start), kind: "" });
    const perPixel = (piece.end - piece.start) / piece.wide;
    const step = niceStep(Math.max(perPixel * 84, 0.1));
    for (let after = step; after < piece.end - piece.start; after += step) {
      const x = piece.x + after / perPixel;
      if (x > piece.x + taken + 6 && x < piece.x + piece.wide - 52) made.push({ x, text: offset(after), kind: "" });
    }
  }
  if (axis.untilNow) made.push({ x: axis.width, text: "now", kind: "last" });
  return made;
}

// An offset whose digits are those of a round step.
const offset = time => time >= 1000 ? `+${Number((time / 1000).toFixed(2))} s` : `+${Number(time.toFixed(2))} ms`;

function short(time) {
  const seconds = time / 1000;
  if (seconds >= 5400) return `${Math.round(seconds / 3600)} h`;
  return seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds)} s`;
}
