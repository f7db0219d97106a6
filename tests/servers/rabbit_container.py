"""The private broker in a container, where Docker has an engine."""

import shutil
import subprocess
import uuid
from pathlib import Path

from servers.process import ServerProcess
from servers.rabbit import USER, Broker

IMAGE = "rabbitmq:4.3-management"
# The container lives as long as somebody holds its standard input: it ends with the tests, however these end.
SCRIPT = "rabbitmq-plugins enable --offline rabbitmq_mqtt && (docker-entrypoint.sh rabbitmq-server &) && cat"


def docker() -> bool:
    """Whether there is a Docker engine to talk to."""
    return shutil.which("docker") is not None and _docker("info") == 0


class ContainerBroker(Broker):
    """Every start is a new container over the same volume."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder, self._name = folder, f"escolta-tests-{uuid.uuid4().hex[:8]}"

    def launch(self) -> ServerProcess:
        ports = {5672: self.amqp_port, 1883: self.mqtt_port, 15672: self.management_port}
        published = [f"--publish=127.0.0.1:{port}:{inside}" for inside, port in ports.items()]
        run = ["docker", "run", "--rm", "--interactive", f"--name={self._name}", "--hostname=rabbit"]
        stored = [f"--volume={self._name}:/var/lib/rabbitmq"]
        login = ["--env=RABBITMQ_DEFAULT_USER", "--env=RABBITMQ_DEFAULT_PASS"]
        return ServerProcess(
            [*run, *published, *stored, *login, IMAGE, "sh", "-c", SCRIPT],
            folder=self._folder,
            environment={"RABBITMQ_DEFAULT_USER": USER, "RABBITMQ_DEFAULT_PASS": self.password},
            stdin=subprocess.PIPE,
        )

    async def stop(self) -> None:
        _docker("exec", self._name, "rabbitmqctl", "shutdown")
        self.kill()

    def kill(self) -> None:
        _docker("kill", self._name)
        super().kill()

    def control(self, *command: str) -> None:
        assert _docker("exec", self._name, "rabbitmqctl", *command) == 0

    def close(self) -> None:
        super().close()
        _docker("volume", "rm", "--force", self._name)


def _docker(*command: str) -> int:
    return subprocess.run(["docker", *command], capture_output=True, timeout=120).returncode
