// One audio as the page needs it: bytes to play, samples to draw.

import * as api from "./api.js";

const LOWEST_RATE_HZ = 3_000; // of a Web Audio context
const HIGHEST_RATE_HZ = 384_000;

/** Fetches and decodes: `{blob, samples: Float32Array [samples], duration_s}`, the channels averaged. */
export async function fetchAudio({ audio_id, rate_hz }) {
  const blob = await api.audio(audio_id);
  // The context has the audio's own rate, so that nothing is resampled and the spectrogram shows it all.
  const rate = Math.min(Math.max(rate_hz, LOWEST_RATE_HZ), HIGHEST_RATE_HZ);
  const context = new OfflineAudioContext(1, 1, rate);
  const decoded = await context.decodeAudioData(await blob.arrayBuffer()).catch(() => {
    throw new Error("The browser cannot decode this audio.");
  });
  return { blob, samples: mono(decoded), duration_s: decoded.duration };
}

function mono(decoded) {
  const mixed = decoded.getChannelData(0).slice();
  for (let channel = 1; channel < decoded.numberOfChannels; channel++) {
    decoded.getChannelData(channel).forEach((sample, i) => (mixed[i] += sample));
  }
  return decoded.numberOfChannels > 1 ? mixed.map((sample) => sample / decoded.numberOfChannels) : mixed;
}
