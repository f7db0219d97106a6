// Samples as a WAV file, which every browser plays without changing or estimating anything.

const HEADER = 44; // bytes
const FLOAT = 3;

/** A mono WAV of 32-bit floats. Samples beyond full scale would be clipped: all are then made quieter. */
export function wavOf(samples, rate_hz) {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  const file = new DataView(new ArrayBuffer(HEADER + 4 * samples.length));
  const text = (at, letters) => [...letters].forEach((it, i) => file.setUint8(at + i, it.charCodeAt(0)));
  text(0, "RIFF");
  file.setUint32(4, file.byteLength - 8, true);
  text(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, FLOAT, true);
  file.setUint16(22, 1, true); // channels
  file.setUint32(24, rate_hz, true);
  file.setUint32(28, 4 * rate_hz, true); // bytes a second
  file.setUint16(32, 4, true); // bytes a frame
  file.setUint16(34, 32, true); // bits a sample
  text(36, "data");
  file.setUint32(40, 4 * samples.length, true);
  samples.forEach((sample, i) => file.setFloat32(HEADER + 4 * i, sample / Math.max(peak, 1), true));
  return new Blob([file], { type: "audio/wav" });
}
