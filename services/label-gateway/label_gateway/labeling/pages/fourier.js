// Power spectra of pieces of an audio, two by one transform.

/**
 * Calls `take(power, number)` for each of `count` windows of `size` samples, a power of two; the window `number` begins
 * at the sample `first(number)`, and zeros lie beyond both ends of the audio. `power` is `Float32Array [size / 2 + 1]`,
 * behind a Hann window, and is written over by the next.
 */
export function powerSpectra(samples, size, count, first, take) {
  const hann = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / size));
  const transform = fourier(size);
  const [re, im] = [new Float32Array(size), new Float32Array(size)];
  const [one, other] = [new Float32Array(size / 2 + 1), new Float32Array(size / 2 + 1)];
  for (let number = 0; number < count; number += 2) {
    windowed(samples, first(number), hann, re);
    if (number + 1 < count) windowed(samples, first(number + 1), hann, im);
    else im.fill(0);
    transform(re, im);
    split(re, im, one, other);
    take(one, number);
    if (number + 1 < count) take(other, number + 1);
  }
}

function windowed(samples, first, hann, into) {
  for (let i = 0; i < hann.length; i++) {
    const at = first + i;
    into[i] = at >= 0 && at < samples.length ? hann[i] * samples[at] : 0;
  }
}

// Of one real signal beside another as its imaginary part: the even part of the spectrum is of the first, the odd one
// of the second.
function split(re, im, one, other) {
  const size = re.length;
  for (let bin = 0; bin <= size / 2; bin++) {
    const mirror = (size - bin) & (size - 1);
    one[bin] = ((re[bin] + re[mirror]) ** 2 + (im[bin] - im[mirror]) ** 2) / 4;
    other[bin] = ((im[bin] + im[mirror]) ** 2 + (re[mirror] - re[bin]) ** 2) / 4;
  }
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
      if (j <= i) continue;
      const [real, imaginary] = [re[i], im[i]];
      re[i] = re[j];
      im[i] = im[j];
      re[j] = real;
      im[j] = imaginary;
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
