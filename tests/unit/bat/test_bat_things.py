"""The double of BAT: classes, projects and uploads."""

import httpx
import pytest
from unit.bat.at_bat import TOOL, title, wav_file

EXISTS = "Class with current params already exists."


async def test_a_space_becomes_an_underscore_and_makes_a_duplicate_a_500(bat, operator):
    assert (await operator.post("classes/", name=" dog bark ")).headers["location"] == "./"
    assert EXISTS in (await operator.post("classes/", name="dog_bark")).text
    assert title(await operator.post("classes/", name="dog bark")).startswith("IntegrityError")
    assert (await operator.post("classes/", name="Dog_bark")).status_code == 302
    assert bat.rows("SELECT id, name FROM classes ORDER BY id") == [(1, "dog_bark"), (3, "Dog_bark")]


@pytest.mark.parametrize(("name", "said"), [(" ", "may not be blank"), ("x" * 51, "no more than 50")])
async def test_a_name_of_a_class_has_bounds(operator, name, said):
    response = await operator.post("classes/", name=name)
    assert (response.status_code, said in response.text) == (200, True)
    assert (await operator.post("classes/", name="x" * 50)).status_code == 302


async def test_classes_are_listed_by_name_and_can_be_deleted(bat, operator):
    for name in ("dog", "a&b", "cat"):
        await operator.post("classes/", name=name)
    text = (await operator.get("classes/")).text
    assert text.index("a&amp;b") < text.index("cat") < text.index("dog")
    assert 'data-delete-url="/annotation_tool/class/1/"' in text
    assert (await operator.delete("class/1/")).status_code == 204
    assert (await operator.delete("class/1/")).status_code == 404
    assert (await operator.get("class/1/")).status_code == 405


async def test_a_project_is_found_by_its_name_alone_and_ids_have_gaps(operator):
    assert await operator.add_project("one", "dog", overlap=True) == 1
    response = await operator.post("projects/", project_name="one", classes=["dog"])
    assert title(response).startswith("IntegrityError")
    assert await operator.add_project("two") == 3
    text = (await operator.get("projects/")).text
    assert "<td>one</td><td>Yes</td>" in text
    assert "<td>two</td><td>No</td>" in text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"project_name": "x" * 51}, "no more than 50"),
        ({"project_name": ""}, "may not be blank"),
        ({"project_name": "x", "classes": ["cat"]}, "&quot;cat&quot; is not a valid choice."),
        ({"project_name": "x", "overlap": "perhaps"}, "is not a valid boolean"),
    ],
)
async def test_a_project_that_cannot_be_is_a_200(bat, operator, form, said):
    response = await operator.post("projects/", **form)
    assert (response.status_code, said in response.text) == (200, True)
    assert bat.rows("SELECT * FROM projects") == []


async def test_deleting_a_project_takes_its_files_from_the_disk(bat, operator):
    project = await operator.add_project("one")
    await operator.upload(project, ("a.wav", wav_file()))
    assert len(bat.uploaded()) == 1
    assert (await operator.delete(f"project/{project}/")).status_code == 204
    assert bat.uploaded() == bat.rows("SELECT * FROM segments") == []
    assert (await operator.delete(f"project/{project}/")).json() == {"detail": "Not found."}


async def test_the_same_upload_again_is_another_wav(bat, operator):
    project = await operator.add_project("one")
    for _ in range(2):
        assert (await operator.upload(project, ("a b.wav", wav_file()))).headers["location"] == "./"
    assert bat.rows("SELECT name FROM wavs") == [("a b.wav",)] * 2
    assert {path.parent.name for path in bat.uploaded()} == {"one"}
    assert len({path.name for path in bat.uploaded()}) == 2


async def test_one_bad_file_takes_the_others_with_it_and_leaves_what_was_written(bat, operator):
    project = await operator.add_project("one")
    response = await operator.upload(project, ("a.wav", wav_file()), ("b.wav", b"no sound"))
    assert title(response) == "Error: file does not start with RIFF id // Werkzeug Debugger"
    assert bat.rows("SELECT * FROM wavs") == []
    assert len(bat.uploaded()) == 2
    await operator.upload(project, ("a.wav", wav_file()))
    [(file,)] = bat.rows("SELECT file FROM wavs")
    assert file.startswith("media/uploaded_wavs/one/a_")


FILES = {
    "16 bit": (wav_file(), 302, 200),
    "8 bit": (wav_file(bits=8), 302, 200),
    "32 bit": (wav_file(bits=32), 302, 200),
    "with LIST": (wav_file(before=b"LIST\x04\x00\x00\x00info"), 302, 200),
    "stereo": (wav_file(channels=2), 302, 200),
    "24 bit": (wav_file(bits=24), 302, 500),
    "truncated": (wav_file(cut=100), 302, 500),
    "zero frames": (wav_file(0), 302, 500),
    "0.09 s": (wav_file(0.09), 302, 500),
    "0.2 s": (wav_file(0.2), 302, 200),
    "float": (wav_file(bits=32, kind=3), 500, None),
    "extensible": (wav_file(kind=65534), 500, None),
    "no header": (b"RIFF", 500, None),
}


@pytest.mark.parametrize("make", FILES)
async def test_what_it_takes_and_what_it_can_open_are_two_things(operator, make):
    content, at_upload, when_opened = FILES[make]
    project = await operator.add_project("one")
    assert (await operator.upload(project, ("a.wav", content))).status_code == at_upload
    if when_opened:
        made = await operator.get(f"new_annotation/?project={project}")
        assert (await operator.get(made.headers["location"])).status_code == when_opened


async def test_a_name_beyond_ascii_stops_everybody_for_ever(bat, operator):
    project = await operator.add_project("one")
    assert (await operator.upload(project, ("café.wav", wav_file()))).status_code == 302
    for _ in range(2):
        response = await operator.get(f"new_annotation/?project={project}")
        assert "UnicodeEncodeError" in title(response)
    assert bat.rows("SELECT * FROM annotations") == []


@pytest.mark.parametrize(
    ("project", "length", "content", "said"),
    [
        ("", "-1", b"x", "may not be null"),
        ("99", "-1", b"x", "does not exist"),
        ("1", "long", b"x", "A valid number is required."),
        ("1", "-1", b"", "The submitted file is empty."),
    ],
)
async def test_an_upload_that_lacks_something_is_a_200(operator, project, length, content, said):
    await operator.add_project("one")
    response = await operator.upload(project, ("a.wav", content), length=length)
    assert (response.status_code, said in response.text) == (200, True)


async def test_an_upload_has_to_be_multipart(operator):
    await operator.add_project("one")
    response = await operator.post("upload_data/", project="1", segments_length="-1")
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("length", "segments"),
    [
        (-1, ["a_0.0_7.01229024943.wav"]),
        (2, ["a_0.0_2.0.wav", "a_2.0_4.0.wav", "a_4.0_6.0.wav", "a_6.0_7.01229024943.wav"]),
        (-2, []),
    ],
)
async def test_segments_are_named_by_numbers_of_python_2(bat, operator, length, segments):
    project = await operator.add_project("one")
    content = wav_file(309242 / 44100, rate_hz=44100)
    assert (await operator.upload(project, ("a.wav", content), length=length)).status_code == 302
    assert [name for (name,) in bat.rows("SELECT name FROM segments ORDER BY id")] == segments


async def test_nothing_of_an_upload_is_told(operator):
    project = await operator.add_project("one")
    response: httpx.Response = await operator.upload(project, ("a.wav", wav_file()))
    assert (response.status_code, response.text) == (302, "")
    assert "a.wav" not in (await operator.get(f"{TOOL}/upload_data/")).text
