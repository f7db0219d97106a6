"""What of the environment reaches a demo."""

import pytest

from escolta.errors import Misconfigured
from escolta_demo.command import demo_settings
from escolta_demo.play import Demo

HARBOR = Demo(audio=None, truth=None, iterations=None, batch=20, headless=False)


def test_a_demo_listens_on_loopback_and_links_there_whatever_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ESCOLTA_HTTP_HOST", "0.0.0.0")
    monkeypatch.setenv("ESCOLTA_PUBLIC_URL", "https://escolta.example")
    settings = demo_settings(HARBOR)
    assert (settings.http_host, settings.public_url) == ("127.0.0.1", "")


def test_a_demo_keeps_its_data_in_a_folder_of_its_own_whatever_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, url in (("CATALOG", "postgresql://db"), ("OBJECTS", "s3://a:b@c/d"), ("BUS", "amqp://broker")):
        monkeypatch.setenv(f"ESCOLTA_{name}_URL", url)
    settings = demo_settings(HARBOR)
    assert settings.catalog_url == "embedded://var/demo/harbor/catalog"
    assert settings.objects_url == "file://var/demo/harbor/objects"
    assert settings.bus_url == "memory://"


def test_a_folder_that_cannot_be_made_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ESCOLTA_SECRET", "hush, hush, says the harbor")
    monkeypatch.setenv("ESCOLTA_STATE_DIR", str(tmp_path / "file"))
    with pytest.raises(Misconfigured, match=r"file/demo/harbor cannot be made \(Not a directory\)"):
        demo_settings(HARBOR)
