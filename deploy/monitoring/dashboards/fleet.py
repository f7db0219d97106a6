"""The nodes: who is heard, who records, and whether what they record arrives."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.dashboards.parts import (
    HALF,
    THIRD,
    Section,
    board,
    choice,
    lines,
    number,
    rows,
    with_sections,
)

OF_NODE = 'node=~"$node"'
HEARD = "time() - max by (node) (escolta_node_last_heard_timestamp_seconds)"


def fleet() -> Dashboard:
    """The dashboard."""
    dashboard = board("escolta-fleet", "Fleet", "Who is heard, who records, and whether it arrives.")
    dashboard = dashboard.with_variable(choice("node", "escolta_node_registered_timestamp_seconds"))
    return with_sections(dashboard, _now(), _each(), _arriving(), _at_the_node())


def _now() -> Section:
    registered = "max by (node) (escolta_node_registered_timestamp_seconds)"
    return (
        "Now",
        [
            number("Registered", "Nodes that ingest knows.", "short", f"count({registered})"),
            number(
                "Heard",
                "Nodes that have spoken within five minutes; each speaks every minute.",
                "short",
                f"count({HEARD} < 300) or vector(0)",
            ),
            number(
                "Silent",
                "Registered nodes that have not spoken for a quarter of an hour, or never.",
                "short",
                f"count({registered} unless on (node) ({HEARD} < 900)) or vector(0)",
            ),
            number(
                "Wait at their nodes",
                "Audios in the spools of all nodes.",
                "short",
                "sum(max by (node) (escolta_node_spooled_audios))",
            ),
            number(
                "Held",
                "Audios that wait at their node until somebody acts: the page Quarantine says how.",
                "short",
                "sum(max by (node, kind) (escolta_node_held_audios)) or vector(0)",
            ),
            number(
                "Clocks not set",
                "Nodes that say that their clock is not synchronized.",
                "short",
                'count(max by (node) (escolta_node_info{clock_state="unsynchronized"})) or vector(0)',
            ),
        ],
    )


def _each() -> Section:
    return (
        "Each node",
        [
            rows(
                "Nodes",
                "Each node as it last said, with what it recorded and what of it arrived in the last hour.",
                "node",
                [
                    (
                        "Heard before",
                        "s",
                        f"time() - max by (node) (escolta_node_last_heard_timestamp_seconds{{{OF_NODE}}})",
                    ),
                    (
                        "Recorded in an hour",
                        "short",
                        f"max by (node) (increase(escolta_node_recorded_total{{{OF_NODE}}}[1h]))",
                    ),
                    (
                        "Cataloged in an hour",
                        "short",
                        f"sum by (node) (increase(escolta_ingest_cataloged_total{{{OF_NODE}}}[1h]))",
                    ),
                    ("Spooled", "short", f"max by (node) (escolta_node_spooled_audios{{{OF_NODE}}})"),
                    (
                        "Held",
                        "short",
                        f"sum by (node) (max by (node, kind) (escolta_node_held_audios{{{OF_NODE}}}))",
                    ),
                    ("Free on its disk", "bytes", f"max by (node) (escolta_node_free_bytes{{{OF_NODE}}})"),
                ],
            )
        ],
    )


def _arriving() -> Section:
    recorded = f"max by (node) (rate(escolta_node_recorded_total{{{OF_NODE}}}[$__rate_interval]))"
    cataloged = f"sum by (node) (rate(escolta_ingest_cataloged_total{{{OF_NODE}}}[$__rate_interval]))"
    return (
        "Expected and received",
        [
            lines(
                "Recorded",
                "Audios a second that each node says it records: what is expected.",
                "cps",
                [("{{node}}", recorded)],
                THIRD,
            ),
            lines(
                "Cataloged",
                "Audios a second of each node that got a row: what is received.",
                "cps",
                [("{{node}}", cataloged)],
                THIRD,
            ),
            lines(
                "Received of expected",
                "1 is as it should be; above 1, a spool empties; below, it fills.",
                "percentunit",
                [("{{node}}", f"{cataloged} / ({recorded} > 0)")],
                THIRD,
            ),
        ],
    )


def _at_the_node() -> Section:
    return (
        "At the nodes",
        [
            lines(
                "Not heard for",
                "Time since each node last spoke.",
                "s",
                [
                    (
                        "{{node}}",
                        f"time() - max by (node) (escolta_node_last_heard_timestamp_seconds{{{OF_NODE}}})",
                    )
                ],
            ),
            lines(
                "Spools",
                "Audios that wait at each node.",
                "short",
                [("{{node}}", f"max by (node) (escolta_node_spooled_audios{{{OF_NODE}}})")],
            ),
            lines(
                "Free space",
                "On the disk of each node. What may wait there is a share of it.",
                "bytes",
                [("{{node}}", f"max by (node) (escolta_node_free_bytes{{{OF_NODE}}})")],
            ),
            lines(
                "Quarantine list",
                "What was refused, left out or is doubtful, in rows, by kind.",
                "short",
                [("{{kind}}", "max by (kind) (escolta_quarantine_messages)")],
                HALF,
            ),
        ],
    )
