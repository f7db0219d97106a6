"""The alerts as Prometheus' operator reads them: kubernetes/alerts.yaml, made from alerts.yml."""

from pathlib import Path

HERE = Path(__file__).parent
MADE = HERE / "kubernetes/alerts.yaml"
HEAD = """# Made by `make dashboards` from deploy/monitoring/alerts.yml; do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: escolta
  labels: {release: prometheus}  # what the chart kube-prometheus-stack looks for, if that is its name
spec:
"""


def rule() -> str:
    """The text of the file."""
    lines = (HERE / "alerts.yml").read_text("utf-8").splitlines()
    groups = lines[lines.index("groups:") :]
    return HEAD + "".join(f"  {line}".rstrip() + "\n" for line in groups)


def differs() -> list[str]:
    """That the file is not as it would be made."""
    made = MADE.read_text("utf-8") if MADE.exists() else ""
    return [] if made == rule() else [f"{MADE.name} is not made of alerts.yml: make dashboards"]
