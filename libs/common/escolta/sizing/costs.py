"""What an audio, a label and a message cost, as measured; where, stands at each. docs/disks.md says more.

`tests/unit/sizing` compares the bytes of rows with a small catalog, `bench/month.py` with a month.
"""

ROW_BYTES = {"audio.audios": 320, "audio.embeddings": 2_400, "audio.patches": 1_450}
"""Of an audio by YAMNet, with months, indexes and what lies beside: tests/unit/sizing."""
CNN14_EMBEDDING_BYTES = 4_800
"""Computed: 2,048 numbers of two bytes, which need not compress, and what lies around YAMNet's."""
LABEL_BYTES = 2_900
"""All tables, of one audio that 2.5 people label, two events each: 1,600 audios (bench/month.py)."""
PREDICTION_BYTES = 18
"""Of an audio that an iteration looks at: its id, and the number of a class (al.predictions)."""
LOG_BYTES = 2_000_000_000
"""PostgreSQL's log: max_wal_size, 1 GB unless set, which it may pass for a while; computed."""

WAV_HEADER_BYTES = 44
OBJECT_BYTES = 2_500
"""Around an object in SeaweedFS with its note, in a bucket that keeps versions; 1,600 to 3,700, as the index
of its folders is tidied or not (bench/month.py)."""
SPOOLED_BYTES = 8_192
"""Around an audio in a node's spool: two files, each up to a block of the disk; computed."""
MESSAGE_BYTES = 531
"""Of an `AudioCataloged` that waits in a quorum queue of RabbitMQ (bench/month.py)."""
BASES = 7
"""Base backups that `escolta backup` keeps."""

ENTRANCE_MS = 3.2
"""Processor of one event from its node to its row, all servers counted, objects of 8 kB (bench/load.py)."""
EMBEDDING_MS = {"yamnet": 46.0, "cnn14": 431.0}
"""Processor of 10 s of sound without AVX-512, two cores at 43.4 and 4.64 a second (bench/embedder.py)."""
BUSY = 0.5
"""Part of a core that is counted on: an hour of outage is then made up for in an hour."""
LEAST_CORES = {"entrance and servers": 1.0, "embedding": 0.25, "choosing": 1.0, "labeling": 0.25}
"""So that a page and an iteration need not wait for the sound; chosen."""

MEMORY_BYTES = {
    "catalog": 2_000_000_000,  # chosen: shared_buffers of 512 MB, and the disk's pages beside it
    "broker": 500_000_000,  # 166 MB at rest; chosen
    "store": 400_000_000,  # 376 MB under load
    "entrance": 250_000_000,  # 235 MB under bad messages (bench/fuzz.py)
    "choosing": 1_300_000_000,  # a first iteration over 20,000 audios (bench/al_engine.py)
    "labeling": 250_000_000,  # as the entrance; chosen
}
EMBEDDING_MEMORY_BYTES = {"yamnet": 500_000_000, "cnn14": 1_800_000_000}
"""0.3 and 1.8 GB at batches of 32 (bench/embedder.py); of YAMNet's a reserve."""
NEEDLE_BYTES = 50
"""Of each object in SeaweedFS's memory: its place; computed (16 in the index, and a map around it)."""
