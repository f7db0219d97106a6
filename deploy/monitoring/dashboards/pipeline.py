"""From the nodes to the embeddings: what comes in, what waits, what fails, and what it stands on."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.dashboards.machines import disks, pages, processes
from monitoring.dashboards.parts import (
    THIRD,
    Section,
    board,
    choice,
    lines,
    mean,
    number,
    per_second,
    percentile,
    with_sections,
)

OF_SERVICE = 'service=~"$service"'


def pipeline() -> Dashboard:
    """The dashboard."""
    dashboard = board(
        "escolta-pipeline", "Pipeline", "From the nodes to the embeddings, and what it stands on."
    )
    dashboard = dashboard.with_variable(choice("service", "up"))
    return with_sections(
        dashboard, _now(), _entrance(), _embedder(), _queues(), pages(), processes(), disks()
    )


def _now() -> Section:
    return (
        "Now",
        [
            number(
                "Alerts",
                "How many alerts fire. Each has a page in docs/runbooks.",
                "short",
                'count(ALERTS{alertstate="firing"}) or vector(0)',
            ),
            number(
                "Services",
                "How many of the four services answer; of several replicas each counts.",
                "short",
                'sum(up{service=~"ingest|embedder|al-engine|label-gateway"})',
            ),
            number(
                "Cataloged in an hour",
                "Audios that got a row in the last hour.",
                "short",
                "sum(increase(escolta_ingest_cataloged_total[1h]))",
            ),
            number(
                "Wait for an embedding",
                "Audios in the catalog that the model has not embedded and not failed at.",
                "short",
                "max(escolta_embedder_waiting_audios)",
            ),
            number(
                "Waits longest",
                "How long the audio has waited that catching up is at.",
                "s",
                "max(escolta_embedder_oldest_waiting_seconds)",
            ),
            number(
                "Dead letters",
                "Messages that nobody will try again: `escolta dead list`.",
                "short",
                "sum(max by (queue) (escolta_queue_dead_letters))",
            ),
        ],
    )


def _entrance() -> Section:
    refused = per_second("escolta_ingest_refused_total", "kind")
    held = per_second("escolta_ingest_held_total", "kind")
    return (
        "Entrance",
        [
            lines(
                "Recorded and cataloged",
                "Audios a second: what the nodes say that they record, and what got a row.",
                "cps",
                [
                    ("recorded", "sum(max by (node) (rate(escolta_node_recorded_total[$__rate_interval])))"),
                    ("cataloged", "sum(rate(escolta_ingest_cataloged_total[$__rate_interval]))"),
                    ("granted", "sum(rate(escolta_ingest_granted_total[$__rate_interval]))"),
                ],
                THIRD,
            ),
            lines(
                "Refused and held",
                "Audios a second that were refused for good, or wait at their node, by the reason.",
                "cps",
                [("refused: {{kind}}", refused), ("held: {{kind}}", held)],
                THIRD,
            ),
            lines(
                "Seconds at the entrance",
                "What 95 % of the steps take less than, by step.",
                "s",
                [("{{stage}}", percentile(0.95, "escolta_ingest_stage_seconds", "stage"))],
                THIRD,
            ),
        ],
    )


def _embedder() -> Section:
    audios = per_second("escolta_embedder_audios_total", "outcome")
    return (
        "Embedder",
        [
            lines(
                "Embedded",
                "Audios a second by what came of them; `later` comes again, `failed` does not.",
                "cps",
                [("{{outcome}}", audios)],
            ),
            lines(
                "Waiting",
                "Audios of the catalog without an embedding, by model.",
                "short",
                [("{{model_id}}", "max by (model_id) (escolta_embedder_waiting_audios)")],
            ),
            lines(
                "From catalog to turn",
                "Seconds from an audio's row to its turn at the model, of half and of 95 % of them.",
                "s",
                [
                    ("half", percentile(0.5, "escolta_embedder_queue_age_seconds", "service")),
                    ("95 %", percentile(0.95, "escolta_embedder_queue_age_seconds", "service")),
                ],
                THIRD,
            ),
            lines(
                "Seconds of a stage",
                "Mean seconds: of an audio up to its resampling, then of a batch.",
                "s",
                [
                    (
                        "{{stage}}",
                        mean("escolta_embedder_stage_seconds", "$__rate_interval", "stage"),
                    )
                ],
                THIRD,
            ),
            lines(
                "Failures",
                "Audios a second that were not embedded, by the kind of the reason.",
                "cps",
                [("{{kind}}", per_second("escolta_embedder_failures_total", "kind"))],
                THIRD,
            ),
        ],
    )


def _queues() -> Section:
    return (
        "Queues",
        [
            lines(
                "Waiting messages",
                "Messages that wait at the broker, by queue.",
                "short",
                [("{{queue}}", "max by (queue) (escolta_queue_waiting_messages)")],
                THIRD,
            ),
            lines(
                "Verdicts",
                "Messages a second by what the handler decided: done, again later, or refused.",
                "cps",
                [("{{verdict}}", per_second("escolta_messages_total", "verdict", OF_SERVICE))],
                THIRD,
            ),
            lines(
                "Seconds of a handler",
                "What 95 % of the batches of messages take less than, by queue.",
                "s",
                [("{{queue}}", percentile(0.95, "escolta_handler_seconds", "queue", OF_SERVICE))],
                THIRD,
            ),
        ],
    )
