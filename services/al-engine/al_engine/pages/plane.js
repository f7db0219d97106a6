// Points on a plane: what holds them, and which are near.

const CELLS = 64; // of the grid that finds points, in each direction

/** Whether a polygon holds a point: a ray from it crosses the edges an odd number of times. */
export function contains(corners, x, y) {
  let odd = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const [[x1, y1], [x2, y2]] = [corners[i], corners[j]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd = !odd;
  }
  return odd;
}

/** The least and the greatest of the values. */
export function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Finds points near a place; coordinates run from -0.5 to 0.5. */
export function gridOf({ x, y }) {
  const cells = Array.from({ length: CELLS * CELLS }, () => []);
  const cell = (value) => Math.min(Math.max(Math.floor((value + 0.5) * CELLS), 0), CELLS - 1);
  for (let i = 0; i < x.length; i++) cells[cell(y[i]) * CELLS + cell(x[i])].push(i);
  return {
    around(atX, atY, reachX, reachY, visit) {
      for (let row = cell(atY - reachY); row <= cell(atY + reachY); row++) {
        for (let column = cell(atX - reachX); column <= cell(atX + reachX); column++) {
          cells[row * CELLS + column].forEach(visit);
        }
      }
    },
  };
}
