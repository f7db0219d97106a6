"""What of the environment reaches a demo."""

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
