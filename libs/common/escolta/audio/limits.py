"""What a sound may be, in one place: every decoder at every door holds to it. (all ours)"""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 100, 1_000_000
"""What a recorder can have, one of infrasound included; a header that says another rate is damaged, and
resampling by it could take more memory than there is."""

MOST_CHANNELS = 64
"""More than the arrays of microphones that people carry into the field have."""

LONGEST_AUDIO_S = 60.0
"""An audio is meant to last about 10 s; six times that is a mistake in cutting, not an audio."""

LONGEST_RECORDING_S = 366 * 86_400
"""A file that says that it lasts longer than a year has a damaged header."""

MOST_NUMBERS = 1 << 26
"""Samples times channels of one audio, 256 MiB as floats: 60 s of 11 channels at 96 kHz, for example."""

LARGEST_AUDIO_BYTES = 64 << 20
"""More than 60 s of two channels of 32 bits at 96 kHz; several audios are in memory at a time."""

LOUDEST = 1e10
"""The largest sample. A file of floats may well hold integers that nobody scaled, up to 2**31; what is far
beyond is no sound, and its spectrum's power would overflow float32."""

FINE_RATES_OF_FLAC_HZ = 65_535
"""Above this FLAC says a rate in tens of hertz (RFC 9639, section 9.1.2)."""
