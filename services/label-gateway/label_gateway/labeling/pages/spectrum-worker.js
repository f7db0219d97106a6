// Computes spectrograms beside the page: keys and sound do not wait for a picture.

import { spectrogram } from "./spectrum.js";

let audio = null;

self.onmessage = ({ data }) => {
  if (data.audio) audio = data.audio;
  else {
    const levels = spectrogram(audio, data);
    self.postMessage(levels, [levels.buffer]);
  }
};
