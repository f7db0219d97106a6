"""The sounds of the built-in harbor, made of nothing but numbers.

Each function makes one event: float64 `[samples]` at `RATE_HZ`, peak about 1, beginning with its first sample
and ending with its last. Everything that differs from one engine or gull to the next is drawn from `rng`.
"""

import numpy as np
import numpy.typing as npt

RATE_HZ = 32_000
Sound = npt.NDArray[np.float64]


def engine(rng: np.random.Generator, duration_s: float) -> Sound:
    """A diesel at work: 18 to 45 firings a second, no two alike, with exhaust noise that pulses along."""
    samples = _samples(duration_s)
    firing_hz = rng.uniform(18, 45) * _wander(rng, samples, depth=0.05)
    cycle = np.cumsum(firing_hz) / RATE_HZ
    harmonics = np.arange(1, 31)
    resonance_hz, width_hz = rng.uniform(80, 200), rng.uniform(60, 150)
    near = np.exp(-(((harmonics * firing_hz.mean() - resonance_hz) / width_hz) ** 2))
    strengths = (0.15 + near) / harmonics**0.8 * rng.uniform(0.5, 1.5, len(harmonics))
    firings = rng.uniform(0.5, 1.3, int(cycle[-1]) + 2)
    buzz = _periodic(rng, cycle, harmonics, strengths) * np.interp(cycle, np.arange(len(firings)), firings)
    pulse = np.square(np.cos(np.pi * cycle)) ** 2
    exhaust = _noise(rng, samples, 60, rng.uniform(500, 1500), slope=-0.7) * (0.3 + pulse)
    mixed = _peak_1(buzz) + rng.uniform(0.5, 1.2) * _peak_1(exhaust)
    return _peak_1(mixed * _passing(rng, samples)) * _edges(samples, 0.4, 0.4)


def horn(rng: np.random.Generator, duration_s: float) -> Sound:
    """A ship's horn: one to three low tones, as rich in harmonics as a reed, slow to speak."""
    samples = _samples(duration_s)
    speaking_s = rng.uniform(0.1, 0.25)
    settling = 1 - 0.05 * np.exp(-np.arange(samples) / RATE_HZ / speaking_s)
    lowest_hz = rng.uniform(85, 240) * settling * _wander(rng, samples, depth=0.004)
    sound = np.zeros(samples)
    for ratio in rng.permutation([1.0, 1.26, 1.5])[: rng.integers(1, 4)]:
        cycle = np.cumsum(lowest_hz * ratio) / RATE_HZ
        harmonics = np.arange(1, 41)
        strengths = np.exp(-harmonics / rng.uniform(5.0, 12.0)) * rng.uniform(0.6, 1.4, len(harmonics))
        sound += _periodic(rng, cycle, harmonics, strengths)
    sound *= 1 + 0.3 * _noise(rng, samples, 5, 60)
    sound = _peak_1(sound) + rng.uniform(0.02, 0.1) * _noise(rng, samples, 300, 5000)
    return _peak_1(sound) * _edges(samples, speaking_s, rng.uniform(0.15, 0.3))


def reversing_beep(rng: np.random.Generator, duration_s: float) -> Sound:
    """A vehicle that backs up: the same hard tone of about 1 to 2.6 kHz, on and off."""
    samples = _samples(duration_s)
    on_s, off_s = rng.uniform(0.25, 0.5), rng.uniform(0.25, 0.6)
    # The last beep ends where the event does, so that the offset is that of a sound, not of a pause.
    beeps = max(2, round((duration_s + off_s) / (on_s + off_s)))
    stretch = duration_s / (beeps * on_s + (beeps - 1) * off_s)
    on, period = int(on_s * stretch * RATE_HZ), (on_s + off_s) * stretch * RATE_HZ
    time_s = np.arange(on) / RATE_HZ
    tone_hz = rng.uniform(1000, 2600)
    beep = sum(
        strength * np.sin(2 * np.pi * tone_hz * harmonic * time_s)
        for harmonic, strength in ((1, 1.0), (2, rng.uniform(0, 0.2)), (3, rng.uniform(0.15, 0.5)))
    )
    beep = _peak_1(np.asarray(beep)) * _edges(on, 0.006, 0.01)
    sound = np.zeros(samples)
    for number in range(beeps):
        begin = min(round(number * period), samples - on)
        sound[begin : begin + on] = beep
    return sound


def impact(rng: np.random.Generator, duration_s: float) -> Sound:
    """Something heavy set down on steel: a blow, and many modes that ring out, the high ones first."""
    samples = _samples(duration_s)
    time_s = np.arange(samples) / RATE_HZ
    lowest_hz = rng.uniform(60, 180)
    modes_hz = lowest_hz * np.cumsum(np.concatenate([[1], rng.uniform(0.2, 1.8, 23)]))
    longest_s = duration_s / 6  # what rings longest has fallen by 52 dB at the end
    ringing = np.zeros(samples)
    for mode_hz in modes_hz[modes_hz < 0.45 * RATE_HZ]:
        decay_s = longest_s * (lowest_hz / mode_hz) ** rng.uniform(0.2, 0.8)
        strength, phase = rng.uniform(0.2, 1.0), rng.uniform(0, 2 * np.pi)
        audible_s = time_s[: _samples(8 * decay_s)]
        wave = np.sin(2 * np.pi * mode_hz * audible_s + phase)
        ringing[: len(audible_s)] += strength * np.exp(-audible_s / decay_s) * wave
    blow = _noise(rng, samples, 60, rng.uniform(2500, 8000)) * np.exp(-time_s / rng.uniform(0.015, 0.06))
    mixed = _peak_1(ringing) + rng.uniform(0.8, 2.0) * _peak_1(blow)
    return _peak_1(mixed) * _edges(samples, 0.001, 0.05)


def gull(rng: np.random.Generator, duration_s: float) -> Sound:
    """A gull's laughing call: cries that leap up and fall, hoarse, one after the other."""
    samples = _samples(duration_s)
    cry_s, pause_s = rng.uniform(0.22, 0.5), rng.uniform(0.06, 0.3)
    cries = max(1, round((duration_s + pause_s) / (cry_s + pause_s)))
    stretch = duration_s / (cries * cry_s + (cries - 1) * pause_s)
    cry, period = int(cry_s * stretch * RATE_HZ), (cry_s + pause_s) * stretch * RATE_HZ
    low_hz, leap = rng.uniform(650, 1000), rng.uniform(1.6, 2.3)
    sound = np.zeros(samples)
    for number in range(cries):
        begin = min(round(number * period), samples - cry)
        loudness = rng.uniform(0.6, 1.0)
        sound[begin : begin + cry] = loudness * _cry(rng, cry, low_hz * rng.uniform(0.93, 1.07), leap)
    return _peak_1(sound)


def rain(rng: np.random.Generator, duration_s: float) -> Sound:
    """Rain on water and tarpaulin: a hiss, and thousands of drops that can nearly be told apart."""
    samples = _samples(duration_s)
    hiss = _noise(
        rng, samples, rng.uniform(600, 1500), rng.uniform(9000, 14000), slope=rng.uniform(-0.4, 0.1)
    )
    drops = np.zeros(samples)
    count = int(duration_s * rng.uniform(60, 400))
    drops[rng.integers(0, samples, count)] = rng.exponential(1.0, count) * rng.choice([-1.0, 1.0], count)
    length = RATE_HZ // 200
    decay = np.exp(-np.arange(length) / (length / 6)) * rng.standard_normal(length)
    drops = np.convolve(drops, decay)[:samples]
    mixed = _peak_1(hiss) + rng.uniform(0.3, 1.0) * _peak_1(drops)
    return _peak_1(mixed * (_wander(rng, samples, depth=0.15))) * _edges(samples, 0.3, 0.3)


def floor(rng: np.random.Generator, duration_s: float) -> Sound:
    """What is there when nothing is: wind and water far away, swelling slowly. RMS 1."""
    samples = _samples(duration_s)
    sound = _noise(rng, samples, 60, 12_000, slope=rng.uniform(-1.2, -0.5)) * _wander(rng, samples, depth=0.2)
    return sound / sound.std()


def _cry(rng: np.random.Generator, samples: int, low_hz: float, leap: float) -> Sound:
    place = np.linspace(0, 1, samples)
    top = rng.uniform(0.2, 0.4)
    rise = np.clip(place / top, 0, 1)
    fall = np.clip((place - top) / (1 - top), 0, 1)
    pitch_hz = low_hz * (1 + (leap - 1) * np.sin(np.pi / 2 * rise) * (1 - 0.7 * fall))
    flutter = 1 + 0.02 * np.sin(2 * np.pi * rng.uniform(18, 35) * place * samples / RATE_HZ)
    cycle = np.cumsum(pitch_hz * flutter) / RATE_HZ
    harmonics = np.arange(1, 8)
    strengths = np.array([0.5, 1.0, 0.8, 0.5, 0.3, 0.15, 0.1]) * rng.uniform(0.6, 1.4, 7)
    hoarse = 1 + 0.25 * _noise(rng, samples, 20, 300)
    return _peak_1(_periodic(rng, cycle, harmonics, strengths) * hoarse) * _edges(samples, 0.02, 0.06)


def _samples(duration_s: float) -> int:
    return round(duration_s * RATE_HZ)


def _peak_1(sound: Sound) -> Sound:
    return sound / max(1e-12, float(np.abs(sound).max()))


def _edges(samples: int, attack_s: float, release_s: float) -> Sound:
    """An envelope that rises from and falls to nothing in the given times; each at most half of it."""
    envelope = np.ones(samples)
    for length_s, side in ((attack_s, slice(None)), (release_s, slice(None, None, -1))):
        length = max(1, min(_samples(length_s), samples // 2))
        envelope[side][:length] = np.sin(np.linspace(0, np.pi / 2, length)) ** 2
    return envelope


def _wander(rng: np.random.Generator, samples: int, depth: float) -> Sound:
    """A factor around 1 that drifts a few times a second."""
    knots = max(4, samples // (RATE_HZ // 3))
    return np.interp(
        np.linspace(0, knots - 1, samples), np.arange(knots), 1 + depth * rng.uniform(-1, 1, knots)
    )


def _passing(rng: np.random.Generator, samples: int) -> Sound:
    """Loudness of what comes near and leaves, or stays where it is."""
    place = np.linspace(-1, 1, samples)
    nearest, spread = rng.uniform(-0.7, 0.7), rng.uniform(0.5, 3.0)
    return 1 / (1 + ((place - nearest) / spread) ** 2)


def _periodic(
    rng: np.random.Generator, cycle: Sound, harmonics: npt.NDArray[np.int64], strengths: Sound
) -> Sound:
    """A sum of harmonics at the phase `cycle` (in periods), read from a table of one period."""
    table_size = 4096
    phases = rng.uniform(0, 2 * np.pi, len(harmonics))
    angles = 2 * np.pi * np.outer(harmonics, np.arange(table_size) / table_size) + phases[:, None]
    table = strengths @ np.sin(angles)
    return table[(cycle * table_size).astype(np.int64) % table_size]


def _noise(
    rng: np.random.Generator, samples: int, low_hz: float, high_hz: float, slope: float = 0.0
) -> Sound:
    """Noise between two frequencies, its amplitude going with frequency to the power `slope`; peak 1."""
    bins = samples // 2 + 1
    # Drawn as a spectrum, which is as random as the transform of random samples, and in single precision:
    # noise is most of the work.
    spectrum = rng.standard_normal(2 * bins, dtype=np.float32).view(np.complex64)
    spectrum[0] = 0
    frequency_hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)[1:].astype(np.float32)
    above, below = np.square(low_hz / frequency_hz), np.square(frequency_hz / high_hz)
    shape = 1 / ((1 + above * above) * (1 + below * below))
    spectrum[1:] *= shape * frequency_hz**slope if slope else shape
    return _peak_1(np.fft.irfft(spectrum, samples).astype(np.float64))
