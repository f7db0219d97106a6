// The spectrogram of an audio as a picture: one column of mel bands for each pixel of time.

const WINDOW_S = 0.03;
const SHORTEST_WINDOW = 128; // samples
const LONGEST_WINDOW = 16384;
const RANGE_DB = 70; // below the loudest point of the picture; what is quieter looks like silence

export const melOf = (hz) => 2595 * Math.log10(1 + hz / 700);
const hzOf = (mel) => 700 * (10 ** (mel / 2595) - 1);

/**
 * The levels of `samples` as `Uint8ClampedArray [rows * columns]`: row 0 is at `highest_hz`, 255 the loudest point
 * of this audio. A quiet call is thus as visible as a loud one.
 *
 * Column x shows what is heard at its middle, (x + 1/2) / columns of the duration: windows lie around that moment,
 * over both ends of the audio too, and follow each other closely enough for no sound to fall between them.
 */
export function spectrogram(samples, rate_hz, highest_hz, columns, rows) {
  const size = windowSize(samples.length, rate_hz, highest_hz);
  const power = powerSpectrum(size);
  const bands = melBands(rows, size, rate_hz, highest_hz);
  const hop = samples.length / columns;
  const looks = Math.max(1, Math.ceil((2 * hop) / size)); // windows that share a column
  const decibels = new Float32Array(rows * columns);
  for (let x = 0; x < columns; x++) {
    const column = new Float32Array(rows);
    for (let look = 0; look < looks; look++) {
      const middle = Math.floor((x + (look + 0.5) / looks) * hop);
      const spectrum = power(samples, middle - size / 2);
      bands.forEach((band, row) => (column[row] = Math.max(column[row], loudest(spectrum, band))));
    }
    column.forEach((value, row) => (decibels[row * columns + x] = 10 * Math.log10(value + 1e-20)));
  }
  return levels(decibels);
}

// A power of two near 30 ms; longer where all frequencies are low, and short against a short audio.
function windowSize(samples, rate_hz, highest_hz) {
  const long = Math.max(WINDOW_S * rate_hz, (SHORTEST_WINDOW * rate_hz) / (2 * highest_hz));
  const wanted = Math.min(long, samples / 8);
  const size = 2 ** Math.round(Math.log2(Math.max(wanted, 1)));
  return Math.min(Math.max(size, SHORTEST_WINDOW), LONGEST_WINDOW);
}

// For each row the bins of its band, `[first, last, between]`; a band narrower than a bin lies between two.
function melBands(rows, size, rate_hz, highest_hz) {
  const highest = melOf(highest_hz);
  const binOf = (edge) => Math.min((hzOf((edge / rows) * highest) / rate_hz) * size, size / 2 - 1);
  return Array.from({ length: rows }, (_, row) => {
    const [low, high] = [binOf(rows - row - 1), binOf(rows - row)];
    return { low, high, first: Math.ceil(low), last: Math.floor(high) };
  });
}

function loudest(spectrum, { low, high, first, last }) {
  let most = 0;
  for (let bin = first; bin <= last; bin++) most = Math.max(most, spectrum[bin]);
  if (first <= last) return most;
  const middle = (low + high) / 2;
  const [below, part] = [Math.floor(middle), middle % 1];
  return spectrum[below] * (1 - part) + spectrum[below + 1] * part;
}

function levels(decibels) {
  const top = decibels.reduce((most, value) => Math.max(most, value), -190); // digital silence stays dark
  return Uint8ClampedArray.from(decibels, (value) => 255 * (1 + (value - top) / RANGE_DB));
}

// A function (samples, first) -> power `Float32Array [size / 2 + 1]` of a Hann window; zeros beyond the ends.
function powerSpectrum(size) {
  const hann = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / size));
  const transform = fourier(size);
  const [re, im, power] = [new Float32Array(size), new Float32Array(size), new Float32Array(size / 2 + 1)];
  return (samples, first) => {
    for (let i = 0; i < size; i++) re[i] = hann[i] * (samples[first + i] ?? 0);
    im.fill(0);
    transform(re, im);
    for (let bin = 0; bin <= size / 2; bin++) power[bin] = re[bin] ** 2 + im[bin] ** 2;
    return power;
  };
}

// The Fourier transform in place, of a size that is a power of two (Cooley and Tukey, 1965).
function fourier(size) {
  const cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  const sin = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size));
  const reversed = new Uint32Array(size);
  for (let i = 1; i < size; i++) reversed[i] = (reversed[i >> 1] >> 1) | (i & 1 ? size >> 1 : 0);
  return (re, im) => {
    for (let i = 0; i < size; i++) {
      const j = reversed[i];
      if (j > i) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const [a, b, w] = [start + k, start + k + half, k * step];
          const real = re[b] * cos[w] - im[b] * sin[w];
          const imaginary = re[b] * sin[w] + im[b] * cos[w];
          re[b] = re[a] - real;
          im[b] = im[a] - imaginary;
          re[a] += real;
          im[a] += imaginary;
        }
      }
    }
  };
}
