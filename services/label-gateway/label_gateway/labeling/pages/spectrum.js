// The spectrogram of a span of an audio as a picture: one column of frequency bands for each pixel of time.

import { powerSpectra } from "./fourier.js";

const WINDOW_S = 0.03;
const SPAN_WINDOWS = 50; // a window is no longer than this part of the span: an edge that is looked at closely is sharp
const SHORTEST_WINDOW = 128; // samples
const LONGEST_WINDOW = 16384;

/** The scales of frequency: from hertz to a height, and back. Mel as by O'Shaughnessy (1987). */
export const SCALES = {
  mel: {
    heightOf: (hz) => 2595 * Math.log10(1 + hz / 700),
    hzOf: (mel) => 700 * (10 ** (mel / 2595) - 1),
  },
  linear: { heightOf: (hz) => hz, hzOf: (hz) => hz },
};

/**
 * The levels of `{samples, rate_hz, highest_hz}` from `from_s` to `to_s` as `Uint8ClampedArray [rows * columns]`: row
 * 0 is at `highest_hz`; 255 is `loudest_db` dBFS or more, 0 is `range_db` below that or less. A sine of full scale has
 * 0 dBFS.
 *
 * Column x shows what is heard at its middle, (x + 1/2) / columns of the span: windows lie around that moment, over
 * both ends of the audio too, and follow each other closely enough for no sound to fall between them.
 */
export function spectrogram({ samples, rate_hz, highest_hz }, { from_s, to_s, columns, rows, scale, loudest_db, range_db }) {
  const size = windowSize((to_s - from_s) * rate_hz, samples.length, rate_hz, highest_hz);
  const bands = frequencyBands(rows, size, rate_hz, highest_hz, SCALES[scale]);
  const hop = ((to_s - from_s) * rate_hz) / columns;
  const looks = Math.max(1, Math.ceil((2 * hop) / size)); // windows that share a column
  const most = new Float32Array(rows * columns); // power
  const first = (look) => Math.floor(from_s * rate_hz + ((look + 0.5) / looks) * hop) - size / 2;
  powerSpectra(samples, size, columns * looks, first, (spectrum, look) => {
    const x = Math.floor(look / looks);
    for (let row = 0; row < rows; row++) {
      const power = loudest(spectrum, bands, row);
      if (power > most[row * columns + x]) most[row * columns + x] = power;
    }
  });
  const full = size ** 2 / 16; // the power of a sine of full scale, behind a Hann window
  return levels(most, full, loudest_db - range_db, range_db);
}

// A loop: `from` with a function takes longer than all the transforms.
function levels(powers, full, quietest_db, range_db) {
  const found = new Uint8ClampedArray(powers.length);
  for (let i = 0; i < powers.length; i++) {
    found[i] = (255 * (10 * Math.log10(powers[i] / full + 1e-20) - quietest_db)) / range_db;
  }
  return found;
}

// A power of two near 30 ms; longer where all frequencies are low, and short against a short span or audio.
function windowSize(span, samples, rate_hz, highest_hz) {
  const short = Math.min(WINDOW_S * rate_hz, span / SPAN_WINDOWS);
  const long = Math.max(short, (SHORTEST_WINDOW * rate_hz) / (2 * highest_hz));
  const wanted = Math.min(long, samples / 8);
  const size = 2 ** Math.round(Math.log2(Math.max(wanted, 1)));
  return Math.min(Math.max(size, SHORTEST_WINDOW), LONGEST_WINDOW);
}

// For each row the bins of its band, from `first` to `last`; a band narrower than a bin lies between two, at `middle`.
function frequencyBands(rows, size, rate_hz, highest_hz, { heightOf, hzOf }) {
  const highest = heightOf(highest_hz);
  const binOf = (edge) => Math.min((hzOf((edge / rows) * highest) / rate_hz) * size, size / 2 - 1);
  const bands = { first: new Int32Array(rows), last: new Int32Array(rows), middle: new Float64Array(rows) };
  for (let row = 0; row < rows; row++) {
    const [low, high] = [binOf(rows - row - 1), binOf(rows - row)];
    bands.first[row] = Math.ceil(low);
    bands.last[row] = Math.floor(high);
    bands.middle[row] = (low + high) / 2;
  }
  return bands;
}

function loudest(spectrum, { first, last, middle }, row) {
  let most = 0;
  for (let bin = first[row]; bin <= last[row]; bin++) if (spectrum[bin] > most) most = spectrum[bin];
  if (first[row] <= last[row]) return most;
  const below = Math.floor(middle[row]);
  const part = middle[row] - below;
  return spectrum[below] * (1 - part) + spectrum[below + 1] * part;
}
