// The moment around an edge, to hear at every step that the edge is moved. A media element begins and ends where its
// buffers do; this is given to the loudspeaker as samples.

const AROUND_S = 0.1; // on each side of the edge
const FADE_S = 0.003; // a sound that is cut clicks, and would be taken for an onset

/**
 * What is heard around `time_s` of an audio, `{samples: Float32Array [samples], from_s}`: 100 ms on each side, less
 * at the ends of the audio, faded in and out.
 */
export function around({ samples, rate_hz }, time_s) {
  const from = Math.max(Math.round((time_s - AROUND_S) * rate_hz), 0);
  const heard = samples.slice(from, Math.max(Math.round((time_s + AROUND_S) * rate_hz), from + 1));
  const fade = Math.min(FADE_S * rate_hz, heard.length / 2);
  for (let i = 0; i < fade; i++) {
    heard[i] *= i / fade;
    heard[heard.length - 1 - i] *= i / fade;
  }
  return { samples: heard, from_s: from / rate_hz };
}

/** Plays what is around a moment; what it played before ends. */
export class Excerpt {
  #audio = null;
  #context = null; // made at the first key: a browser allows none before
  #source = null;

  /** The audio `{samples, rate_hz, peak}` that `play` is about. */
  load(audio) {
    this.stop();
    this.#audio = audio;
  }

  /** Slower and faster, the pitch goes along: nothing moves in time. */
  play(time_s, speed) {
    this.stop();
    this.#context ??= new AudioContext();
    this.#context.resume();
    const { rate_hz, peak } = this.#audio;
    const { samples } = around(this.#audio, time_s);
    const buffer = this.#context.createBuffer(1, samples.length, rate_hz);
    buffer.copyToChannel(
      samples.map((sample) => sample / Math.max(peak, 1)), // beyond full scale it would be clipped
      0,
    );
    this.#source = new AudioBufferSourceNode(this.#context, { buffer, playbackRate: speed });
    this.#source.connect(this.#context.destination);
    this.#source.start();
  }

  stop() {
    this.#source?.stop();
    this.#source = null;
  }
}
