"""The private broker from the machine's own rabbitmq-server, apart from the machine's own broker."""

import os
import shutil
import subprocess
from pathlib import Path

from servers.newer import newer
from servers.process import ServerProcess, free_ports
from servers.rabbit import USER, Broker


def server_program() -> str | None:
    """The server's own script: the one that Debian puts on the path changes the user and the folders."""
    root = newer() or Path("/")
    scripts = sorted((root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return str(scripts[-1]) if scripts else shutil.which("rabbitmq-server")


def version_of(program: str) -> int:
    """The major version, of the folder that Debian puts the script into."""
    return int(Path(program).parts[-3].removeprefix("rabbitmq_server-").partition(".")[0])


def _path() -> str:
    """Where Erlang is found: beside the broker, or on the machine."""
    newest = [f"{root}/usr/lib/erlang/bin"] if (root := newer()) else []
    return ":".join([*newest, os.environ["PATH"], "/usr/sbin", "/sbin"])


class InstalledBroker(Broker):
    """Runs `program` with everything in `folder`, and beside it an Erlang name server of its own.

    Erlang would start a name server by itself, and leave it running.
    """

    def __init__(self, folder: Path, program: str) -> None:
        super().__init__()
        self._folder, self._program = folder, program
        self._names_port, self._distribution_port = free_ports(2)
        (folder / "conf.d").mkdir(parents=True)
        (folder / "enabled_plugins").write_text(self.plugins())
        login = f"default_user = {USER}\ndefault_pass = {self.password}\n"
        (folder / "rabbitmq.conf").write_text(self.configuration() + login)
        port = str(self._names_port)
        self._names = ServerProcess(
            ["epmd", "-address", "127.0.0.1", "-port", port], folder=folder, environment={"PATH": _path()}
        )

    def plugins(self) -> str:
        """The file `enabled_plugins`."""
        return "[rabbitmq_mqtt, rabbitmq_management].\n"

    def configuration(self) -> str:
        """The file `rabbitmq.conf`, without user and password."""
        return (
            f"listeners.tcp.1 = 127.0.0.1:{self.amqp_port}\n"
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.mqtt_port}\n"
            "mqtt.allow_anonymous = false\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self.management_port}\n"
        )

    def launch(self) -> ServerProcess:
        return ServerProcess(
            [self._program],
            folder=self._folder,
            environment={
                **self._address,
                "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server, instead of waiting for it
                "RABBITMQ_DIST_PORT": str(self._distribution_port),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
                # Every place that would otherwise be the machine's own broker's:
                "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
                "RABBITMQ_CONFIG_FILES": str(self._folder / "conf.d"),
                "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._folder / "none.config"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
                "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
                "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            },
        )

    def control(self, *command: str) -> None:
        program = Path(self._program).with_name("rabbitmqctl")
        subprocess.run(
            [program, *command],
            env={"HOME": str(self._folder), **self._address},
            check=True,
            capture_output=True,
            timeout=120,
        )

    @property
    def _address(self) -> dict[str, str]:
        """Where the broker is found in its own world of Erlang, and not the machine's own."""
        return {
            "PATH": _path(),
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._names_port),
            "RABBITMQ_NODENAME": "escolta-tests@localhost",
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none.conf"),
        }

    def close(self) -> None:
        super().close()
        self._names.kill()
