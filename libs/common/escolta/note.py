"""What an object in the store says of itself: the event of its audio, as a text that any store keeps.

So the store is a second catalog: the row of an audio can be made again from its object alone.
"""

import base64
import json

from escolta.errors import Rejected
from escolta.events import AudioRecorded
from escolta.fields import NOTE_CHARS, shortened

_ELSEWHERE = {"object_key", "stored"}
"""The object is found by the one, and is stored where it has a note."""


def note_of(event: AudioRecorded) -> str:
    """The event in at most `NOTE_CHARS` letters and digits; a file name too long for it is cut, with an
    ellipsis: S3 keeps 2 KB of such notes, in headers that hold ASCII alone.
    """
    note, chars = _packed(event), len(event.file_name)
    while len(note) > NOTE_CHARS:
        chars = chars * 3 // 4
        note = _packed(event.model_copy(update={"file_name": shortened(event.file_name, chars)}))
    return note


def noted_event(object_key: str, note: str) -> AudioRecorded:
    """The event that the object `object_key` was stored with. Raises `Rejected` where the note holds none."""
    try:
        fields = json.loads(base64.urlsafe_b64decode(note))
        return AudioRecorded.model_validate(fields | {"object_key": object_key})
    except (ValueError, TypeError, RecursionError) as error:
        raise Rejected(f"the note of {object_key} tells of no audio: it was not stored by a node") from error


def _packed(event: AudioRecorded) -> str:
    text = event.model_dump_json(exclude=_ELSEWHERE, exclude_none=True)
    return base64.urlsafe_b64encode(text.encode()).decode()
