// One audio as the page needs it. What is drawn, played and marked are the same decoded samples: a browser that
// plays a compressed file by itself estimates its times, and moves them while it plays.

import * as api from "./api.js";
import { wavOf } from "./wav.js";

const LOWEST_RATE_HZ = 8_000; // of a Web Audio context, in every browser
const HIGHEST_RATE_HZ = 192_000;
const CANCELED = 0.1; // of the channels' power is left in their mean: they are opposite to each other

/**
 * Fetches and decodes: `{samples: Float32Array [samples], rate_hz, highest_hz, duration_s, peak, rms, blob}`, a WAV of
 * the samples. `highest_hz` is what the recording can hold; its samples may have been given a higher rate.
 */
export async function fetchAudio({ audio_id, rate_hz, duration_s = Infinity }) {
  const file = await api.audio(audio_id);
  // The context has the audio's own rate, so that nothing is resampled and the spectrogram shows it all.
  const rate = Math.min(Math.max(rate_hz, LOWEST_RATE_HZ), HIGHEST_RATE_HZ);
  const context = new OfflineAudioContext(1, 1, rate);
  const decoded = await context.decodeAudioData(file).catch(() => {
    throw new Error("The browser cannot decode this audio.");
  });
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, i) => decoded.getChannelData(i));
  // A decoder may find a little more than the catalog knows of: no mark could lie there.
  const samples = mono(channels).subarray(0, Math.max(Math.round(duration_s * rate), 1));
  const highest_hz = Math.min(rate_hz, rate) / 2;
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  const rms = Math.sqrt(power(samples) / samples.length);
  const found_s = samples.length / rate;
  return { samples, rate_hz: rate, highest_hz, duration_s: found_s, peak, rms, blob: wavOf(samples, rate) };
}

/** The mean of the channels; the loudest of them where the mean cancels them out, as an inverted channel does. */
export function mono(channels) {
  if (channels.length === 1) return channels[0].slice();
  const mean = new Float32Array(channels[0].length);
  for (const channel of channels) channel.forEach((sample, i) => (mean[i] += sample / channels.length));
  const powers = channels.map(power);
  const loudest = Math.max(...powers);
  const expected = powers.reduce((sum, it) => sum + it, 0) / channels.length ** 2; // of channels that differ
  return power(mean) < CANCELED * expected ? channels[powers.indexOf(loudest)].slice() : mean;
}

const power = (samples) => samples.reduce((sum, sample) => sum + sample * sample, 0);
